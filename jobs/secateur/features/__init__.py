"""Split by time, learn vocabularies and boundaries from the train days, encode. pyspark."""

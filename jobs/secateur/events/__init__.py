"""Read raw logs, clean them with a reason for every rejected row, keep the evidence. pyspark."""

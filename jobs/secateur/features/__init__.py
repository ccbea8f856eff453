"""Count day by day, learn from the train days, encode every day; point in time. pyspark.

counting, state          how often every value and key occurred, a day at a time, kept by night
learning, numbers        vocabularies, boundaries and scales, of the train days alone
counters, histories      what was known just before an event
lists, vectors, encoding events to ids and numbers, on Arrow batches
building                 all of it, from an EventSet's files to a FeatureSet's
"""

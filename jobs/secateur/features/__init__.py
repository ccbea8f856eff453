"""Count day by day, learn from the train days, encode every day; point in time. pyspark.

counting, state          how often every value and key occurred, a day at a time, kept by night
learning, numbers        vocabularies, boundaries and scales, of the train days alone
counters, recent         what was known of a key just before an event: sums, and its last events
histories                the user's last items before an event
lists, vectors, encoding events to ids and numbers, on Arrow batches
building                 all of it, from an EventSet's files to a FeatureSet's
"""

"""Count day by day, learn from the train days, encode every day; point in time. pyspark.

building        all of it, from an EventSet's files to a FeatureSet's
learning        vocabularies, boundaries and scales, of the train days alone
days/           events a day at a time, and when an event may be known
history/        how often every value and key occurred on each day, what was known of a key just
                before an event, and the user's last items
columns/        columns of events to ids and numbers, with Arrow
split_rows      the rows of a split, made of all this
"""

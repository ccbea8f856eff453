"""What a raw value means, written once for training and for the client. numpy and the stdlib.

spelling    the canonical text of a value, by which categories are told apart; and what is missing
numbers     the number that a value is or spells
scales      numbers to buckets and to a number field's float32
lists       texts and rows that hold many values
vectors     texts and rows that hold the numbers of one vector

Training reads a log through Spark and Arrow, a service hands over Python's, numpy's or Arrow's own
values: both must get the same ids and the same float32 bits. So nothing else in this package may
interpret a raw value. Spark expressions (`events/spark_spelling.py`), Arrow kernels
(`features/columns/`) and dictionaries (`serving/encoding/`) are only fast ways to apply these
rules, and `tests/encoding/test_parity.py` holds each of them to the rules here.
"""

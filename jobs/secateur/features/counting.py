"""How often every value of every field occurs on the train days: all that is learned here.

In this form the distinct values of all fields come to the driver: fit for a few million.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812


@dataclass(frozen=True)
class Counts:
    """Distinct values (strings) of one field with their train rows (int64), most frequent first.

    Ties are in the order of the values' code points.
    """

    values: pa.Array
    rows: pa.Array

    def at_least(self, min_count: int) -> "Counts":
        """Only the values with `min_count` rows or more."""
        kept = pc.greater_equal(self.rows, min_count)
        return Counts(self.values.filter(kept), self.rows.filter(kept))


def count_values(train: DataFrame, names: Sequence[str]) -> dict[str, Counts]:
    """Count every value of the columns `names` in one pass; missing ones are not counted."""
    pairs = F.create_map(*chain.from_iterable((F.lit(n), F.col(n)) for n in names))
    exploded = train.select(F.explode(pairs).alias("field", "value")).where("value IS NOT NULL")
    table = exploded.groupBy("field", "value").agg(F.count("*").alias("rows")).toArrow()
    table = table.sort_by([("field", "ascending"), ("rows", "descending"), ("value", "ascending")])
    return {name: _counts_of(table, name) for name in names}


def _counts_of(table: pa.Table, name: str) -> Counts:
    part = table.filter(pc.equal(table["field"], name))
    return Counts(part["value"].combine_chunks(), part["rows"].combine_chunks())


def quantile_boundaries(counts: Counts, buckets: int) -> tuple[float, ...]:
    """Cut numbers into at most `buckets` parts of about equal rows.

    A boundary is the smallest value with at least k/buckets of the rows at or below it (the
    inverse of the empirical distribution, type 1 of Hyndman & Fan 1996). Rising strictly, and none
    at the least value: nothing lies below it. Values that are no number are left out.
    """
    numbers = np.array([number_of(text) for text in counts.values.to_pylist()], dtype=np.float64)
    known = ~np.isnan(numbers)
    if not known.any():
        return ()
    order = np.argsort(numbers[known], kind="stable")
    numbers = numbers[known][order]
    at_or_below = np.cumsum(counts.rows.to_numpy()[known][order])
    wanted = at_or_below[-1] * np.arange(1, buckets) / buckets
    cuts = np.unique(numbers[np.searchsorted(at_or_below, wanted, side="left")])
    return tuple(float(cut) for cut in cuts if cut > numbers[0])


def number_of(text: str) -> float:
    """The number a text spells, NaN where it spells none."""
    try:
        return float(text)
    except ValueError:
        return float("nan")

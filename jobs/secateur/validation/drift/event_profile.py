"""The profile of a night's events: counts by value and by bin, the same at every run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812

from secateur.contracts.data import BinCounts, Profile, ValueCounts
from secateur.scenario import Drift
from secateur.spark import column_named, finite_number

MOST_VALUES = 10_000


@dataclass(frozen=True)
class _Totals:
    """What one pass counts: rows, the label's mean, rows by day, and a column's known values."""

    rows: int
    label_rate: float | None
    days: Mapping[str, int]
    known: Mapping[str, int]


def profile(events: DataFrame, drift: Drift) -> Profile:
    """Profile the columns that `drift` names, as far as the events have them.

    Numbers are counted in bins of their own quantiles, for the nights to come.
    """
    categories = [name for name in drift.categories if name in events.columns]
    numbers = [name for name in drift.numbers if name in events.columns]
    totals = _totals(events, categories)
    return Profile(
        rows=totals.rows,
        label_rate=totals.label_rate,
        days=dict(totals.days),
        categories={name: _count_values(events, name, totals) for name in categories},
        numbers=count_bins(events, quantile_boundaries(events, numbers, drift.bins)),
    )


def _totals(events: DataFrame, names: Sequence[str]) -> _Totals:
    """The totals of the columns `names`; no label rate without a label, no days without a day."""
    keys = [name for name in ("day",) if name in events.columns]
    label = F.col("label") if "label" in events.columns else F.lit(None)
    known = [F.count(column_named(name)) for name in names]
    counted = events.groupBy(*keys).agg(
        F.count("*"), F.count(label), F.sum(label.cast("double")), *known
    )
    found = counted.collect()
    by_day = [row[len(keys) :] for row in found]
    rows, labelled, positives, *rest = (
        sum(number or 0 for number in column)
        for column in zip([0] * (3 + len(names)), *by_day, strict=True)
    )
    days = {row[0]: int(row[1]) for row in found if keys and row[0] is not None}
    return _Totals(
        rows=int(rows),
        label_rate=float(positives / labelled) if labelled else None,
        days=dict(sorted(days.items())),
        known=dict(zip(names, map(int, rest), strict=True)),
    )


def _count_values(events: DataFrame, name: str, totals: _Totals) -> ValueCounts:
    """Rows of the most frequent values of a column, ties in the order of their code points."""
    value = column_named(name).cast("string").alias("value")
    counted = events.groupBy(value).agg(F.count("*").alias("rows"))
    most = counted.where("value IS NOT NULL").orderBy(F.desc("rows"), "value").limit(MOST_VALUES)
    values = {row["value"]: int(row["rows"]) for row in most.collect()}
    known = totals.known[name]
    return ValueCounts(values, known - sum(values.values()), totals.rows - known)


def quantile_boundaries(
    events: DataFrame, names: Sequence[str], bins: int
) -> dict[str, tuple[float, ...]]:
    """The boundaries of about `bins` bins of equal rows, for each numeric column.

    They are the exact quantiles k/bins, k = 0..bins (linear between two values: type 7 of Hyndman
    & Fan 1996), so that there is a bin below the least value. The next number above the greatest
    value makes the bin beyond it. A value on which several quantiles fall has a bin of its own:
    else a column of zeros, or one that is mostly zeros, could turn to ones unseen.
    """
    if not names:
        return {}
    shares = [k / bins for k in range(bins + 1)]
    found = events.agg(*(F.percentile(finite_number(name), shares) for name in names)).collect()[0]
    boundaries = {}
    for name, quantiles in zip(names, found, strict=True):
        cuts, times = np.unique(np.asarray(quantiles or [], dtype=np.float64), return_counts=True)
        closed = np.append(cuts[times > 1], cuts[-1:])
        ends = np.unique(np.concatenate([cuts, np.nextafter(closed, np.inf)]))
        boundaries[name] = tuple(ends.tolist())
    return boundaries


def count_bins(
    events: DataFrame, boundaries: Mapping[str, Sequence[float]]
) -> dict[str, BinCounts]:
    """Rows by bin of each column of `boundaries`, in one pass.

    Missing is what is no finite number, however it is spelled.
    """
    if not boundaries:
        return {}
    at_least = [
        F.count_if(finite_number(name) >= cut) for name, cuts in boundaries.items() for cut in cuts
    ]
    known = [F.count(finite_number(name)) for name in boundaries]
    total, *found = events.agg(F.count("*"), *known, *at_least).collect()[0]
    counts, binned = iter(found[len(known) :]), {}
    for (name, cuts), numbers in zip(boundaries.items(), found, strict=False):
        rows = -np.diff([numbers, *(next(counts) for _ in cuts), 0])
        binned[name] = BinCounts(tuple(cuts), tuple(rows.tolist()), total - numbers)
    return binned

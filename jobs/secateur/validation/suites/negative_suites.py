"""What drawn negatives may tell of the label: little by day, and little by an item's age."""

from collections.abc import Mapping

import great_expectations.expectations as gxe
import pyarrow as pa

from secateur.contracts.data import DrawnCounts, RowCounts
from secateur.scenario import Negatives
from secateur.validation.suite_runner import Suite

_LEAST_SHARE = 0.01  # of the rows, for a day or an age to be held against all


def negative_suites(drawn: DrawnCounts, rule: Negatives) -> list[Suite]:
    """The suites of drawn negatives, over what cleaning counted."""
    left_out = [drawn.left_out / max(drawn.positives, 1)]
    budget = gxe.ExpectColumnMaxToBeBetween(
        column="undrawable",
        max_value=rule.max_undrawable,
        description=f"share of positives that are no rows, at most {rule.max_undrawable:g}: "
        f"{_reasons(drawn)}",
    )
    return [
        Suite("drawn negatives", pa.table({"undrawable": left_out}).to_pandas(), (budget,)),
        _rates_suite("label rate by day", drawn.days, rule.max_odds_ratio),
        _rates_suite("label rate by item age", drawn.ages, rule.max_odds_ratio),
    ]


def _reasons(drawn: DrawnCounts) -> str:
    found = [f"{reason} {rows:,}" for reason, rows in drawn.history_only.items()]
    return f"of {drawn.positives:,}, {', '.join(found) or 'none'}"


def _rates_suite(title: str, counts: Mapping[str, RowCounts], limit: float) -> Suite:
    """The odds of a positive differ nowhere too much from those of all rows.

    They are smoothed by half a row (Haldane 1956), so that none is infinite.
    """
    rows = sum(one.rows for one in counts.values())
    positives = sum(one.positives for one in counts.values())
    whole = _odds(RowCounts(rows, positives))
    held = {name: one for name, one in counts.items() if one.rows >= _LEAST_SHARE * rows}
    frame = {
        "rows_of": [f"{name}: {_rate(one)}" for name, one in held.items()],
        "odds_ratio": [_odds(one) / whole for one in held.values()],
    }
    within = gxe.ExpectColumnValuesToBeBetween(
        column="odds_ratio",
        min_value=1 / limit,
        max_value=limit,
        description=f"odds of a positive over those of all rows, within {limit:g} times; "
        f"all rows: {_rate(RowCounts(rows, positives))}",
    )
    return Suite(title, pa.table(frame).to_pandas(), (within,), key="rows_of")


def _odds(counts: RowCounts) -> float:
    return (counts.positives + 0.5) / (counts.rows - counts.positives + 0.5)


def _rate(counts: RowCounts) -> str:
    return f"{counts.positives / max(counts.rows, 1):.4f} of {counts.rows:,}"

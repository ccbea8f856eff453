"""What the held-out parts of a FeatureSet must hold to be judged on, and how much is malformed.

An interval resamples users: of one user its standard error is 0, whatever was measured.
"""

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any

import great_expectations.expectations as gxe
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812

from secateur.contracts.features import HELD_OUT, ROW_COLUMNS, USER_HASH
from secateur.scenario import Validation
from secateur.validation.suite_runner import Suite
from secateur.validation.suites.row_conditions import plain_name

_PART, _HOLDOUT = "part", "the training's holdout"
_MEASURES = ("rows", "users", "positives", "negatives")


def part_suites(
    splits: Mapping[str, DataFrame], holdout: Sequence[str], validation: Validation
) -> list[Suite]:
    """The suite of the held-out parts: rows, users, positives and negatives that each has.

    The days `holdout` are those of the train split that stop the training. Without the columns to
    count by there is none: their lack is another suite's.
    """
    parts = {split: splits[split] for split in HELD_OUT}
    parts |= {_HOLDOUT: splits["train"]}
    if not all(set(ROW_COLUMNS) <= set(frame.columns) for frame in parts.values()):
        return []
    parts[_HOLDOUT] = splits["train"].where(F.col("day").isin(*holdout))
    sizes = _sizes(parts)
    frame = {_PART: list(sizes)} | {
        measure: [size.get(measure, 0) for size in sizes.values()] for measure in _MEASURES
    }
    least = {
        "rows": (validation.min_rows_a_split, "min_rows_a_split"),
        "users": (validation.min_users_a_split, "min_users_a_split"),
        "positives": (1, "else it has no AUC"),
        "negatives": (1, "else it has no AUC"),
    }
    expected = (
        gxe.ExpectColumnValuesToBeBetween(
            column=measure, min_value=number, description=f"at least {number:,} ({why})"
        )
        for measure, (number, why) in least.items()
    )
    return [Suite("held-out parts", pa.table(frame).to_pandas(), tuple(expected), key=_PART)]


def _sizes(parts: Mapping[str, DataFrame]) -> dict[str, dict[str, int]]:
    """What each part has of each measure, in one pass; a part without rows has nothing."""
    named = (
        frame.select(F.lit(name).alias(_PART), "label", USER_HASH) for name, frame in parts.items()
    )
    counted = (
        reduce(DataFrame.unionByName, named)
        .groupBy(_PART)
        .agg(
            F.count("*").alias("rows"),
            F.count_distinct(USER_HASH).alias("users"),
            F.count_if(F.col("label") == 1).alias("positives"),
            F.count_if(F.col("label") == 0).alias("negatives"),
        )
    )
    found = {row[_PART]: row for row in counted.collect()}
    return {
        name: {measure: int(found[name][measure]) for measure in _MEASURES if name in found}
        for name in parts
    }


def malformed_suites(facts: Mapping[str, Any], validation: Validation) -> list[Suite]:
    """The suite of the lists and vectors: of the rows that have one, few hold none to be read.

    `facts` are a FeatureSet's: `unread` has by field the `missing` and the `malformed` rows.
    """
    unread: Mapping[str, Mapping[str, int]] = facts.get("unread", {})
    if not unread:
        return []
    rows = sum(facts["rows"].values())
    shares = {
        name: [one["malformed"] / max(1, rows - one["missing"])] for name, one in unread.items()
    }
    most = validation.malformed_budget
    few = (
        gxe.ExpectColumnMaxToBeBetween(
            column=plain_name(name),
            max_value=most,
            description=f"the share of malformed rows <= {most:g} (malformed_budget)",
        )
        for name in shares
    )
    frame = pa.table({plain_name(name): share for name, share in shares.items()})
    return [Suite("lists and vectors", frame.to_pandas(), tuple(few))]

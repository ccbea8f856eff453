"""What must hold of a FeatureSet, drawn from its schema and the scenario."""

from collections.abc import Mapping, Sequence
from functools import reduce
from itertools import pairwise
from typing import TYPE_CHECKING

import great_expectations.expectations as gxe
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812

from secateur.contracts.features import HELD_OUT, ROW_COLUMNS, SPLITS, FeatureSchema
from secateur.scenario import Cleaning, Validation
from secateur.scenario.raw_log.column_names import INTERNAL
from secateur.spark import column_named
from secateur.validation.suite_runner import Suite
from secateur.validation.suites.input_suites import (
    input_columns,
    input_suites,
    unknown_share,
    vocabularies,
)
from secateur.validation.suites.row_conditions import columns_suite, plain_name
from secateur.validation.suites.vocabulary_suites import vocabulary_suites

if TYPE_CHECKING:
    import pandas as pd

SPLIT = f"{INTERNAL}split"


def feature_suites(
    splits: Mapping[str, DataFrame],
    days: Mapping[str, Sequence[str]],
    schema: FeatureSchema,
    vocabulary: pa.Table,
    validation: Validation,
    cleaning: Cleaning,
) -> list[Suite]:
    """The suites of a FeatureSet whose splits promise `days`.

    They hold its columns, ids, numbers, lists and vectors against the schema, its splits against
    each other in time, and its share of unknown values against the scenario. Where a column is
    gone, there is no more to examine than that. `vocabulary` [n] has a row a value, with its
    `field` (string) and `id` (int32).
    """
    columns = {name: _columns(schema, held_out=name != "train") for name in splits}
    exist = [columns_suite(f"{name} columns", splits[name], columns[name]) for name in splits]
    if any(not set(columns[name]) <= set(frame.columns) for name, frame in splits.items()):
        return exist
    rows = _together(splits, columns["train"])
    held_out = _together({split: splits[split] for split in HELD_OUT}, columns["tune"])
    summary = _summary(rows, schema, validation)
    unknown = _unknown_suite(summary, validation.max_oov_rate)
    return [
        *exist,
        _rows_suite(rows, schema, validation),
        *input_suites(rows, held_out, schema),
        _days_suite(rows, days),
        _order_suite(summary, _kinds_of_order(days, cleaning)),
        *vocabulary_suites(schema, vocabulary),
        *([unknown] if unknown.expectations else []),
    ]


def _columns(schema: FeatureSchema, held_out: bool) -> list[str]:
    slices = schema.slice_columns if held_out else ()
    return [*input_columns(schema), *ROW_COLUMNS, *schema.task_columns, *slices]


def _together(splits: Mapping[str, DataFrame], columns: Sequence[str]) -> DataFrame:
    """The rows of several splits, each with the name of its own in the column `split`."""
    parts = (
        frame.select(F.lit(name).alias(SPLIT), *map(column_named, columns))
        for name, frame in splits.items()
    )
    return reduce(DataFrame.unionByName, parts)


def _summary(rows: DataFrame, schema: FeatureSchema, validation: Validation) -> "pd.DataFrame":
    """One row a split: rows, first and last day and time, share of OOV ids by limited field."""
    fields = vocabularies(schema)
    limited = [fields[name] for name in validation.max_oov_rate if name in fields]
    bounds = (
        bound(column).alias(f"{word}_{column}")
        for column in ("day", "time_ms")
        for word, bound in (("first", F.min), ("last", F.max))
    )
    shares = map(unknown_share, limited)
    by_split = rows.groupBy(SPLIT).agg(F.count("*").alias("rows"), *bounds, *shares)
    summary: pd.DataFrame = by_split.toPandas()
    return summary.set_index(SPLIT).reindex(SPLITS)


def _rows_suite(rows: DataFrame, schema: FeatureSchema, validation: Validation) -> Suite:
    low, high = validation.label_rate
    within = (
        gxe.ExpectColumnValuesToBeBetween(
            column=plain_name(f.name), min_value=0, max_value=f.size - 1
        )
        for f in schema.fields
    )
    columns = [*(f.name for f in schema.fields), *ROW_COLUMNS]
    names, labels = list(map(plain_name, columns)), ("label", *schema.task_columns)
    frame = rows.select(*map(column_named, (*columns, *schema.task_columns)))
    frame = frame.toDF(*names, *schema.task_columns)
    # The library takes no mean of a byte.
    frame = frame.withColumns({name: F.col(name).cast("int") for name in labels})
    return Suite(
        "all splits",
        frame,
        (
            gxe.ExpectTableRowCountToBeBetween(min_value=validation.min_rows),
            *within,
            *(gxe.ExpectColumnValuesToNotBeNull(column=name) for name in names),
            gxe.ExpectColumnValuesToBeInSet(column="label", value_set=[0, 1]),
            gxe.ExpectColumnMeanToBeBetween(column="label", min_value=low, max_value=high),
            # Rows may not tell a task, but some must tell it either way: else nothing is learned.
            *(
                gxe.ExpectColumnDistinctValuesToEqualSet(column=name, value_set=[0, 1])
                for name in schema.task_columns
            ),
        ),
    )


def _days_suite(rows: DataFrame, days: Mapping[str, Sequence[str]]) -> Suite:
    """Every day lies in the split that it was promised to, and none is without rows."""
    counted = rows.groupBy(SPLIT, "day").agg(F.count("*").alias("rows")).collect()
    found = {(row[SPLIT], row["day"] or "null"): row["rows"] for row in counted}
    promised = {(split, day) for split, inside in days.items() for day in inside}
    pairs = sorted({*found, *promised})
    frame = {
        "day": [f"{split} {day}" for split, day in pairs],
        "rows": [found.get(pair, 0) for pair in pairs],
        "promised": [int(pair in promised) for pair in pairs],
    }
    return Suite(
        "days of the splits",
        pa.table(frame).to_pandas(),
        (
            gxe.ExpectColumnValuesToBeBetween(column="rows", min_value=1),
            gxe.ExpectColumnValuesToBeInSet(column="promised", value_set=[1]),
        ),
        key="day",
    )


def _kinds_of_order(days: Mapping[str, Sequence[str]], cleaning: Cleaning) -> list[str]:
    """What rises from split to split: the day, and the time.

    An event that came late keeps its own time in the split of the day that it arrived on. Where
    hours split the window, a day lies in two splits.
    """
    listed = [day for inside in days.values() for day in inside]
    by_day = ["day"] if len(set(listed)) == len(listed) else []
    return by_day if cleaning.late_days else [*by_day, "time_ms"]


def _order_suite(summary: "pd.DataFrame", kinds: Sequence[str]) -> Suite:
    """Each split ends before the next begins, and none is empty."""
    wide = {
        f"{split}_{column}": [summary.loc[split, column]]
        for split in SPLITS
        for column in ("rows", *(f"{end}_{kind}" for kind in kinds for end in ("first", "last")))
    }
    rows = (gxe.ExpectColumnMinToBeBetween(column=f"{s}_rows", min_value=1) for s in SPLITS)
    later = (
        gxe.ExpectColumnPairValuesAToBeGreaterThanB(
            column_A=f"{after}_first_{kind}",
            column_B=f"{before}_last_{kind}",
            ignore_row_if="neither",
        )
        for before, after in pairwise(SPLITS)
        for kind in kinds
    )
    return Suite("order in time", pa.table(wide).to_pandas(), (*rows, *later))


def _unknown_suite(summary: "pd.DataFrame", limits: Mapping[str, float]) -> Suite:
    held_out = summary.loc[list(HELD_OUT)].reset_index()
    most = (
        gxe.ExpectColumnValuesToBeBetween(column=field, max_value=limit)
        for field, limit in limits.items()
    )
    return Suite("share of unknown values", held_out, tuple(most), key=SPLIT)

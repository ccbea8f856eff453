"""What must hold, drawn from the scenario and the schema; `running` runs it."""

from collections.abc import Mapping, Sequence
from functools import reduce
from itertools import pairwise
from typing import TYPE_CHECKING

import great_expectations.expectations as gxe
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812

from secateur.contracts.features import SPLITS, FeatureSchema
from secateur.scenario import Logs, Validation
from secateur.validation.running import Check

if TYPE_CHECKING:
    import pandas as pd


def events_checks(
    events: DataFrame,
    days: Sequence[str],
    needed: Sequence[str],
    logs: Logs,
    validation: Validation,
) -> list[Check]:
    """The suites of an EventSet of the window `days`, whose columns `needed` a model will read."""
    own = (logs.user, logs.item, "time_ms", "label", "day")
    by_day = events.groupBy("day").agg(F.count("*").alias("rows")).orderBy("day")
    low, high = validation.label_rate
    return [
        Check("columns", events, tuple(gxe.ExpectColumnToExist(column=name) for name in needed)),
        Check(
            "events",
            events.select(*own),
            (
                gxe.ExpectTableRowCountToBeBetween(min_value=validation.min_rows),
                *(gxe.ExpectColumnValuesToNotBeNull(column=name) for name in own),
                gxe.ExpectColumnValuesToBeInSet(column="label", value_set=[0, 1]),
                gxe.ExpectColumnMeanToBeBetween(column="label", min_value=low, max_value=high),
                gxe.ExpectColumnDistinctValuesToEqualSet(column="day", value_set=list(days)),
            ),
        ),
        Check(
            "days",
            by_day.toPandas(),
            (
                gxe.ExpectColumnValuesToBeBetween(
                    column="rows", min_value=validation.min_rows_a_day
                ),
            ),
            key="day",
        ),
    ]


def features_checks(
    splits: Mapping[str, DataFrame],
    schema: FeatureSchema,
    vocabulary: pa.Table,
    validation: Validation,
) -> list[Check]:
    """The suites of a FeatureSet: every split's columns, ids, times, labels, unknown values."""
    columns = [*(field.name for field in schema.fields), "label", "user", "day", "time_ms"]
    frames = [frame.select(F.lit(name).alias("split"), *columns) for name, frame in splits.items()]
    # The library takes no mean of a byte.
    encoded = reduce(DataFrame.unionByName, frames).withColumn("label", F.col("label").cast("int"))
    summary = _summary(encoded, schema)
    return [
        *(_columns_check(name, frame, columns) for name, frame in splits.items()),
        _encoded_check(encoded, schema, validation),
        _order_check(summary),
        _unknown_check(summary, validation),
        _vocabulary_check(schema, vocabulary),
    ]


def _summary(encoded: DataFrame, schema: FeatureSchema) -> "pd.DataFrame":
    """One row a split: rows, first and last time, share of OOV ids by field."""
    unknown = [F.avg((F.col(f.name) == f.oov).cast("int")).alias(f.name) for f in schema.fields]
    by_split = encoded.groupBy("split").agg(
        F.count("*").alias("rows"),
        F.min("time_ms").alias("first_ms"),
        F.max("time_ms").alias("last_ms"),
        *unknown,
    )
    summary: pd.DataFrame = by_split.toPandas()
    return summary.set_index("split").reindex(SPLITS)


def _columns_check(name: str, frame: DataFrame, columns: Sequence[str]) -> Check:
    exist = (gxe.ExpectColumnToExist(column=c, column_index=i) for i, c in enumerate(columns))
    return Check(f"{name} columns", frame, tuple(exist))


def _encoded_check(encoded: DataFrame, schema: FeatureSchema, validation: Validation) -> Check:
    low, high = validation.label_rate
    within = (
        gxe.ExpectColumnValuesToBeBetween(column=f.name, min_value=0, max_value=f.size - 1)
        for f in schema.fields
    )
    names = [*(f.name for f in schema.fields), "label", "user", "day", "time_ms"]
    return Check(
        "all splits",
        encoded,
        (
            gxe.ExpectTableRowCountToBeBetween(min_value=validation.min_rows),
            *within,
            *(gxe.ExpectColumnValuesToNotBeNull(column=name) for name in names),
            gxe.ExpectColumnValuesToBeInSet(column="label", value_set=[0, 1]),
            gxe.ExpectColumnMeanToBeBetween(column="label", min_value=low, max_value=high),
        ),
    )


def _order_check(summary: "pd.DataFrame") -> Check:
    """Each split ends before the next begins, and none is empty."""
    columns = ("rows", "first_ms", "last_ms")
    wide = pa.table({f"{s}_{c}": [summary.loc[s, c]] for s in SPLITS for c in columns})
    rows = (gxe.ExpectColumnMinToBeBetween(column=f"{s}_rows", min_value=1) for s in SPLITS)
    later = (
        gxe.ExpectColumnPairValuesAToBeGreaterThanB(
            column_A=f"{after}_first_ms", column_B=f"{before}_last_ms"
        )
        for before, after in pairwise(SPLITS)
    )
    return Check("order in time", wide.to_pandas(), (*rows, *later))


def _unknown_check(summary: "pd.DataFrame", validation: Validation) -> Check:
    held_out = summary.loc[["tune", "confirm"]].reset_index()
    limits = (
        gxe.ExpectColumnValuesToBeBetween(column=field, max_value=limit)
        for field, limit in validation.max_oov_rate.items()
    )
    return Check("share of unknown values", held_out, tuple(limits), key="split")


def _vocabulary_check(schema: FeatureSchema, vocabulary: pa.Table) -> Check:
    """Each category's vocabulary has the ids 0..size-2, each once: size-1 is OOV."""
    found = vocabulary.group_by("field").aggregate([("id", "count_distinct"), ("id", "max")])
    ids = {row["field"]: row for row in found.to_pylist()}
    names = [field.name for field in schema.categories]
    sizes = {
        "field": names,
        "promised": [field.size - 1 for field in schema.categories],
        "distinct": [ids[name]["id_count_distinct"] if name in ids else 0 for name in names],
        "next_id": [ids[name]["id_max"] + 1 if name in ids else 0 for name in names],
    }
    equal = (
        gxe.ExpectColumnPairValuesToBeEqual(column_A=column, column_B="promised")
        for column in ("distinct", "next_id")
    )
    return Check("vocabulary", pa.table(sizes).to_pandas(), tuple(equal), key="field")

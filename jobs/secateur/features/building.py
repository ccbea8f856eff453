"""From an EventSet's files to a FeatureSet's: learn from the train days, encode every day."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812

from secateur.contracts.features import FeatureSchema
from secateur.features.counters import count_before
from secateur.features.counting import tally_of
from secateur.features.encoding import TRAIN_EVENTS, USER, Encoder, input_column
from secateur.features.histories import history
from secateur.features.joining import ROW, EventWindow, named
from secateur.features.learning import Learned, learn, totals
from secateur.features.lists import pieces
from secateur.features.schema import Heading
from secateur.features.state import DailyCounts
from secateur.features.vectors import count_faults
from secateur.scenario import Features, FieldSpec, SliceSpec
from secateur.spark import content, place, write_days
from secateur.values import canonical

HELD_OUT = ("tune", "confirm")


@dataclass(frozen=True)
class Plan:
    """What is built: the events, the days of each split, and the fields."""

    window: EventWindow
    splits: Mapping[str, Sequence[str]]
    features: Features

    def days(self, *names: str) -> list[str]:
        """The days of these splits."""
        return [day for name in names for day in self.splits[name]]

    def events(self, *names: str) -> DataFrame:
        """The events of these splits."""
        return self.window.rows(self.days(*names))


def build(
    plan: Plan, counts: DailyCounts, heading: Heading, folder: Path
) -> tuple[FeatureSchema, dict[str, Any]]:
    """Write vocabulary and splits below `folder`; gives the schema, and facts of what was written.

    The facts are `rows` and `content` by split, and `vectors` with their faults by field.
    """
    with known_before(plan, counts) as known:
        train = counts.of(plan.days("train"))
        of_train = known if known is None else known.where(F.col("day").isin(plan.days("train")))
        learned = learn(train, of_train, plan.features, heading, folder)
        rows = _write(encode(plan, learned, known, None, "train"), plan, folder)
        held_out = encode(plan, learned, known, totals(train), *HELD_OUT)
        rows |= _write(held_out, plan, folder)
    spark, vectors = plan.window.spark, learned.schema.vectors
    files = {split: sorted(folder.glob(f"{split}/part-*")) for split in rows}
    facts = {"rows": rows, "content": {split: content(spark, files[split]) for split in files}}
    if vectors:
        facts["vectors"] = count_faults(plan.events(*plan.splits), vectors)
    return learned.schema, facts


@contextmanager
def known_before(plan: Plan, counts: DailyCounts) -> Iterator[DataFrame | None]:
    """`day`, `_row`, and every counter and history of all events; None where there are none."""
    features, logs = plan.features, plan.window.logs
    events = plan.events(*plan.splits)
    parts = [
        history(events, spec, logs.user, logs.timezone)
        for spec in features.fields
        if spec.kind == "history"
    ]
    if features.counters:
        daily = counts.of(plan.days(*plan.splits))
        parts.append(count_before(events, daily, features.counters, logs.timezone))
    if not parts:
        yield None
        return
    known = reduce(lambda left, right: left.join(right, ["day", ROW]), parts).persist()
    yield known
    known.unpersist()


def encode(
    plan: Plan, learned: Learned, known: DataFrame | None, train: DataFrame | None, *splits: str
) -> DataFrame:
    """The rows of these splits in their columns, order of rows unspecified.

    With the `train` days' totals they are held-out rows: raw values and train counts are kept.
    """
    encoder = Encoder(learned.schema, learned.known, held_out=train is not None)
    events, logs = plan.events(*splits), plan.window.logs
    if known is not None:
        events = events.join(known, ["day", ROW])
    if train is not None:
        for column, name in zip((logs.user, logs.item), TRAIN_EVENTS, strict=True):
            events = _with_train_events(events, train, column, name)
    columns = (column.alias(name) for name, column in _columns(plan, encoder).items())
    return events.select(*columns).mapInArrow(encoder.batches, encoder.spark_schema)


def _with_train_events(events: DataFrame, train: DataFrame, column: str, name: str) -> DataFrame:
    """Add how many train events the value of `column` has."""
    counted = train.where(F.col("tally") == tally_of((column,)).name)
    value, rows = F.col("key")[0].alias("_value"), F.col("events").cast("int").alias(name)
    return events.join(counted.select(value, rows), named(column) == F.col("_value"), "left").drop(
        "_value"
    )


def _columns(plan: Plan, encoder: Encoder) -> dict[str, Column]:
    """The columns that the encoder reads, by the names that it reads them under."""
    specs = {spec.name: spec for spec in plan.features.fields}
    found = {
        input_column(place): _input(field.name, specs.get(field.name))
        for place, field in enumerate(encoder.schema.inputs)
    }
    found[USER] = named(plan.window.logs.user)
    found |= {name: F.col(name) for name in ("label", "day", "time_ms")}
    if encoder.held_out:
        found |= {name: F.coalesce(name, F.lit(0)) for name in TRAIN_EVENTS}
        slices = zip(encoder.schema.slice_columns, plan.features.slices, strict=True)
        found |= {name: _inside(part) for name, part in slices}
    return found


def _inside(part: SliceSpec) -> Column:
    """1 for the events of a slice, 0 for the others."""
    values = [canonical(value) for value in part.values]
    inside = named(part.column).cast("string").isin(values)
    return F.coalesce(inside, F.lit(False)).cast("tinyint")


def _input(name: str, spec: FieldSpec | None) -> Column:
    """A field's text, the values of a list; what is made of many events has its type already."""
    if spec is None or spec.kind == "history":
        return named(name)
    return pieces(named(name), spec) if spec.kind == "list" else named(name).cast("string")


def _write(encoded: DataFrame, plan: Plan, folder: Path) -> dict[str, int]:
    """Write `<split>/part-NNNNN.parquet`, one part a day in time's order; gives rows by split.

    The order is by time, user, and then every other column: only equal rows are left in no order.
    """
    split_of = {day: split for split, days in plan.splits.items() for day in days}
    rest = (c for c in encoded.columns if c not in ("time_ms", USER))
    order = ["time_ms", USER, *("`" + c.replace("`", "``") + "`" for c in rest)]
    rows: dict[str, int] = {}
    with tempfile.TemporaryDirectory(prefix="secateur-", dir=folder.parent) as scratch:
        files = write_days(encoded.repartition("day"), order, Path(scratch, "days"))
        for day, file in files.items():
            split = split_of[day]
            number = len(list((folder / split).glob("part-*")))
            placed = place(file, folder / split, number)
            rows[split] = rows.get(split, 0) + pq.read_metadata(placed).num_rows
    return rows

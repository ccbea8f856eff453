"""From an EventSet's files to a FeatureSet's: learn from the train days, encode every day."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path

import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession

from secateur.contracts.features import BucketField, CategoryField
from secateur.features.counters import count_before
from secateur.features.counting import Counts, count_values
from secateur.features.encoding import Encoder
from secateur.features.schema import bucket_of, category_of, demand_fields, vocabulary_table
from secateur.scenario import Features, Logs
from secateur.spark import place, read_parquet, write_days

VOCABULARY_FILE = "vocabulary.parquet"


@dataclass(frozen=True)
class Learned:
    """What the train days taught: fields, vocabularies, and how often users and items occurred."""

    categories: tuple[CategoryField, ...]
    buckets: tuple[BucketField, ...]
    known: Mapping[str, Counts]
    users: Counts
    items: Counts


def event_files(folder: Path) -> dict[str, list[Path]]:
    """The Parquet files of an EventSet by day."""
    days: dict[str, list[Path]] = {}
    for file in sorted(folder.glob("events/date=*/part-*.parquet")):
        days.setdefault(file.parent.name.removeprefix("date="), []).append(file)
    return days


def build(
    spark: SparkSession,
    files: Mapping[str, Sequence[Path]],
    splits: Mapping[str, Sequence[str]],
    features: Features,
    logs: Logs,
    folder: Path,
) -> tuple[Learned, dict[str, int]]:
    """Write vocabulary and splits below `folder`; gives what was learned and the rows by split."""

    def read(*names: str) -> DataFrame:
        days = [day for name in names for day in splits[name]]
        return read_parquet(spark, [file for day in days for file in files[day]])

    demand_fields(features, logs.user, read("train").columns)
    tables = [count_before(read(*splits), counter) for counter in features.counters]

    def events(*names: str) -> DataFrame:
        return reduce(lambda rows, table: table.join(rows), tables, read(*names))

    train = events("train")
    learned = learn(train, features, logs)
    write_vocabulary(learned, folder)
    split_of = {day: split for split, days in splits.items() for day in days}
    rows = write_splits(encode(train, learned, logs, held_out=False), split_of, folder)
    held_out = encode(events("tune", "confirm"), learned, logs, held_out=True)
    return learned, rows | write_splits(held_out, split_of, folder)


def learn(train: DataFrame, features: Features, logs: Logs) -> Learned:
    """Learn vocabularies and boundaries from the train days' events, and from nothing else."""
    names = dict.fromkeys((*(spec.name for spec in features.inputs), logs.user, logs.item))
    counts = count_values(train, tuple(names))
    categories = [spec for spec in features.inputs if spec.kind == "category"]
    buckets = [spec for spec in features.inputs if spec.kind == "bucket"]
    known = {spec.name: counts[spec.name].at_least(spec.min_count) for spec in categories}
    return Learned(
        tuple(category_of(spec, known[spec.name]) for spec in categories),
        tuple(bucket_of(spec, counts[spec.name]) for spec in buckets),
        known,
        counts[logs.user],
        counts[logs.item],
    )


def encode(events: DataFrame, learned: Learned, logs: Logs, held_out: bool) -> DataFrame:
    """Encode events into the columns of a split, order of rows unspecified."""
    encoder = Encoder(
        fields=(*learned.categories, *learned.buckets),
        known={name: counts.values for name, counts in learned.known.items()},
        user=logs.user,
        item=logs.item,
        users=learned.users,
        items=learned.items,
        held_out=held_out,
    )
    return events.select(*encoder.event_columns).mapInArrow(encoder.batches, encoder.spark_schema)


def write_vocabulary(learned: Learned, folder: Path) -> None:
    """Write `vocabulary.parquet`."""
    pq.write_table(vocabulary_table(learned.known), folder / VOCABULARY_FILE, compression="zstd")


def write_splits(encoded: DataFrame, split_of: Mapping[str, str], folder: Path) -> dict[str, int]:
    """Write `<split>/part-NNNNN.parquet`, one part a day in time's order; gives rows by split."""
    order = ["time_ms", "user", *(c for c in encoded.columns if c not in ("time_ms", "user"))]
    rows: dict[str, int] = {}
    with tempfile.TemporaryDirectory(prefix="secateur-", dir=folder.parent) as scratch:
        files = write_days(encoded.repartition("day"), order, Path(scratch, "days"))
        for day, file in files.items():
            split = split_of[day]
            number = len(list((folder / split).glob("part-*")))
            placed = place(file, folder / split, number)
            rows[split] = rows.get(split, 0) + pq.read_metadata(placed).num_rows
    return rows

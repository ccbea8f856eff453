"""All that the train days teach: vocabularies, boundaries, knots, means; from no other day.

Values are counted, ordered and given their ids by Spark, which writes one file of them all. Of it
the driver holds: the vocabularies, which are what the model has rows for (a few dozen bytes a
value; values below `min_count` never leave Spark), and, one field at a time, the distinct numbers
of a numeric field (16 bytes each). Counters have few distinct values: counts, and rates of four
decimals.
"""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F  # noqa: N812

from secateur.contracts.features import FeatureSchema
from secateur.features.counting import values_of
from secateur.features.joining import named
from secateur.features.numbers import Sample, parsed
from secateur.features.schema import (
    VOCABULARY,
    Heading,
    owns_vocabulary,
    schema_of,
    vocabulary_name,
)
from secateur.scenario import Features, FieldSpec
from secateur.spark import write_one

VOCABULARY_FILE = "vocabulary.parquet"
_CHUNK = 1 << 16


@dataclass(frozen=True)
class Learned:
    """The schema, and every vocabulary by its field: values (strings) in the order of their ids."""

    schema: FeatureSchema
    known: Mapping[str, pa.Array]


def totals(counts: DataFrame) -> DataFrame:
    """Events by tally and key over all days of `counting.COUNTS`."""
    return counts.groupBy("tally", "key").agg(F.sum("events").alias("events"))


def learn(
    train: DataFrame, counters: DataFrame | None, features: Features, heading: Heading, folder: Path
) -> Learned:
    """Learn from the train days' daily counts and their events' counters; write the vocabulary.

    `train` holds rows of `counting.COUNTS`, `counters` a column a counter's field.
    """
    with tempfile.TemporaryDirectory(prefix="secateur-") as scratch:
        values = write_one(_ranked(train, features), ["place", "id"], Path(scratch, "values"))
        _write_vocabulary(values, features, folder / VOCABULARY_FILE)
        samples = {
            spec.name: _sample(values, spec) for spec in features.fields if _is_numeric(spec)
        }
    if counters is not None and features.counters:
        samples |= _counter_samples(counters, features)
    known = _read_vocabulary(folder / VOCABULARY_FILE, features)
    sizes = {name: len(values) + 1 for name, values in known.items()}
    return Learned(schema_of(features, heading, sizes, samples), known)


def _is_numeric(spec: FieldSpec) -> bool:
    return spec.kind in ("bucket", "number")


def _owners(features: Features) -> list[FieldSpec]:
    """The fields with a vocabulary of their own, in the schema's order: categories, then lists."""
    return sorted(filter(owns_vocabulary, features.fields), key=lambda s: s.kind != "category")


def _ranked(train: DataFrame, features: Features) -> DataFrame:
    """Every learned field's values with their ids: by falling count, ties by code points."""
    specs = [*_owners(features), *filter(_is_numeric, features.fields)]
    fields = pa.table(
        {
            "tally": [values_of(spec).name for spec in specs],
            "place": pa.array(range(len(specs)), pa.int32()),
            "field": [vocabulary_name(spec) for spec in specs],
            "least": [1 if _is_numeric(spec) else spec.min_count for spec in specs],
        }
    )
    wanted = F.broadcast(train.sparkSession.createDataFrame(fields))
    kept = totals(train).join(wanted, "tally").where(F.col("events") >= F.col("least"))
    columns = ("place", "field", F.col("key")[0].alias("value"), F.col("events").alias("count"))
    by_count = Window.partitionBy("place").orderBy(F.desc("count"), "value")
    return kept.select(*columns).withColumn("id", F.row_number().over(by_count) - 1)


def _write_vocabulary(ranked: Path, features: Features, target: Path) -> None:
    owners = pa.array([vocabulary_name(spec) for spec in _owners(features)], pa.string())
    with pq.ParquetWriter(target, VOCABULARY, compression="zstd") as writer:
        for batch in pq.ParquetFile(ranked).iter_batches(_CHUNK, columns=VOCABULARY.names):
            kept = batch.filter(pc.is_in(batch["field"], owners)).select(VOCABULARY.names)
            writer.write_batch(kept.cast(VOCABULARY))


def _read_vocabulary(file: Path, features: Features) -> dict[str, pa.Array]:
    table = pq.read_table(file, columns=["field", "value"])
    return {
        name: table.filter(pc.equal(table["field"], name))["value"].combine_chunks()
        for name in map(vocabulary_name, _owners(features))
    }


def _sample(ranked: Path, spec: FieldSpec) -> Sample:
    """The numbers that a field's texts spell on the train days."""
    table = pq.read_table(ranked, columns=["value", "count"], filters=[("field", "=", spec.name)])
    chunks = [parsed(batch["value"].to_pylist()) for batch in table.to_batches(_CHUNK)]
    return Sample.of(np.concatenate([np.empty(0), *chunks]), table["count"].to_numpy())


def _counter_samples(train: DataFrame, features: Features) -> dict[str, Sample]:
    """The counters' values on the train events."""
    names = [field.name for counter in features.counters for field in counter.fields]
    each = F.array(*(F.struct(F.lit(n).alias("field"), named(n).alias("number")) for n in names))
    counted = train.select(F.inline(each)).dropna().groupBy("field", "number").count().toArrow()

    def sample(name: str) -> Sample:
        part = counted.filter(pc.equal(counted["field"], name))
        return Sample.of(part["number"].to_numpy(), part["count"].to_numpy())

    return {name: sample(name) for name in names}

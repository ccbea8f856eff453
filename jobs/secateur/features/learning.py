"""All that the train days teach: vocabularies, boundaries, knots, means; from no other day.

The driver holds one field's values at a time: of a vocabulary those that the model has rows for (a
few dozen bytes each), of a numeric field its distinct numbers (16 bytes each). Counters have few
distinct values: counts, and rates of four decimals.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from secateur.contracts.features import FeatureSchema
from secateur.encoding.numbers import numbers_in
from secateur.features.columns.number_columns import Sample
from secateur.features.history.daily_counts import value_tally
from secateur.features.schema import (
    VOCABULARY_SCHEMA,
    Heading,
    owns_vocabulary,
    schema_of,
    vocabulary_name,
)
from secateur.scenario import Features, FieldSpec

_CHUNK = 1 << 16
_ROWS_A_GROUP = 1 << 16


def learn(
    totals: Sequence[Path],
    counters: Mapping[str, Sample],
    features: Features,
    heading: Heading,
    file: Path,
) -> FeatureSchema:
    """Learn from the train days' totals and their events' counters; write the vocabulary.

    `totals` are files with `events` by `tally` and `key`, `counters` a sample a counter's field.
    """
    sizes: dict[str, int] = {}
    with pq.ParquetWriter(file, VOCABULARY_SCHEMA, compression="zstd") as writer:
        for spec in _owners(features):
            table = _rank(_values(totals, spec, spec.min_count), vocabulary_name(spec))
            sizes[vocabulary_name(spec)] = len(table) + 1
            writer.write_table(table, _ROWS_A_GROUP)
    numeric = (spec for spec in features.fields if spec.kind in ("bucket", "number"))
    samples = {}
    for spec in numeric:
        values = _values(totals, spec, 1)
        chunks = [numbers_in(batch["value"].to_pylist()) for batch in values.to_batches(_CHUNK)]
        numbers = np.concatenate([np.empty(0), *chunks])
        samples[spec.name] = Sample.of(numbers, values["count"].to_numpy())
    return schema_of(features, heading, sizes, {**samples, **counters})


def read_vocabulary(file: Path, features: Features) -> dict[str, pa.Array]:
    """Every vocabulary by its field: text [values] in the order of their ids."""
    table = pq.ParquetFile(file).read(["field", "value"])
    return {
        name: table.filter(pc.equal(table["field"], name))["value"].combine_chunks()
        for name in map(vocabulary_name, _owners(features))
    }


def _owners(features: Features) -> list[FieldSpec]:
    """The fields with a vocabulary of their own, in the schema's order: categories, then lists."""
    return sorted(filter(owns_vocabulary, features.fields), key=lambda s: s.kind != "category")


def _values(totals: Sequence[Path], spec: FieldSpec, least: int) -> pa.Table:
    """`value` and `count`, [values], of a field's values that are as frequent as `least`."""
    wanted = (pc.field("tally") == value_tally(spec).name) & (pc.field("events") >= least)
    parts = [pq.read_table(file, filters=wanted, partitioning=None) for file in totals]
    names = ["value", "count"]
    return pa.concat_tables(parts).select(["key", "events"]).rename_columns(names)


def _rank(values: pa.Table, field: str) -> pa.Table:
    """The rows [values] of a vocabulary: ids by falling count, ties by code points."""
    ordered = values.sort_by([("count", "descending"), ("value", "ascending")])
    ids, names = pa.array(range(len(values)), pa.int32()), pa.repeat(field, len(values))
    columns = {"field": names, "id": ids, "value": ordered["value"], "count": ordered["count"]}
    return pa.table(columns, schema=VOCABULARY_SCHEMA)

"""Rows of the train days as a service would give them: decoded, for only held-out rows are raw.

A model reads of a value its id or scaled number alone. So any value that is encoded so again stands
for the one that was: a bucket's lower boundary, the scale's inverse, a missing one for an unknown.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from secateur.artifacts import Artifact
from secateur.contracts import artifact_files
from secateur.contracts.features import (
    ITEM_KEY,
    USER_HASH,
    AnyField,
    BucketField,
    CategoryField,
    FeatureSchema,
    ListField,
    NumberField,
)
from secateur.encoding.scales import unscale
from secateur.judgement.scoring.raw_values import StoredValues, TableValues

TRAIN, LABEL, DAY = "train", "label", "day"
MOST_GROUPS = 64  # row groups that are read; of more, as many are drawn
UNKNOWN = "\N{REPLACEMENT CHARACTER}"  # in a list: a value that no vocabulary holds

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class TrainRows:
    """Train rows [n]: labels, keyed hashes of users, keys of items, days, and raw values."""

    labels: NDArray[np.int8]
    hashes: NDArray[np.str_]
    items: NDArray[np.str_]
    days: NDArray[np.str_]
    values: TableValues

    def __len__(self) -> int:
        return len(self.labels)


def read_train_rows(
    features: Artifact, users: Collection[str], days: Collection[str], most: int, seed: int
) -> TrainRows | None:
    """At most `most` train rows of these users and days, drawn by `seed`; None where none is there.

    Users are read of at most `MOST_GROUPS` row groups, then what those hold of the rows drawn.
    """
    schema = features.read(artifact_files.SCHEMA, FeatureSchema)
    files = sorted((features.folder / TRAIN).glob("*.parquet"))
    wanted = {USER_HASH: users, DAY: days}
    places = _draw(files, wanted, most, np.random.default_rng([seed, 11]))
    if not len(places):
        return None
    names = [LABEL, USER_HASH, ITEM_KEY, DAY, *(field.name for field in schema.inputs)]
    table = StoredValues(files, {name: name for name in names}).take(places)
    return TrainRows(
        labels=table[LABEL].to_numpy().astype(np.int8),
        hashes=table[USER_HASH].to_numpy().astype(np.str_),
        items=table[ITEM_KEY].to_numpy().astype(np.str_),
        days=table[DAY].to_numpy().astype(np.str_),
        values=TableValues(decode(table, schema, _vocabularies(features))),
    )


def _draw(
    files: Sequence[Path],
    wanted: Mapping[str, Collection[str]],
    most: int,
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """Places [n] of the rows that are drawn, rising; `wanted` are values by column."""
    values = {name: pa.array(sorted(of), pa.string()) for name, of in wanted.items()}
    groups = [group for group in _row_groups(files) if _may_hold(group, wanted[DAY])]
    drawn = sorted(rng.permutation(len(groups))[:MOST_GROUPS])
    found = np.empty(0, np.int64)
    for start, file, number in (groups[i] for i in drawn):
        with pq.ParquetFile(file) as parquet:
            table = parquet.read_row_group(number, columns=list(values))
        masks = [pc.is_in(table[name], value_set=of).to_numpy() for name, of in values.items()]
        found = np.append(found, start + np.flatnonzero(np.logical_and.reduce(masks)))
    return np.sort(rng.permutation(found)[:most])


def _row_groups(files: Sequence[Path]) -> Iterator[tuple[int, Path, int]]:
    """First place, file and number there of every row group."""
    start = 0
    for file in files:
        metadata = pq.read_metadata(file)
        for number in range(metadata.num_row_groups):
            yield start, file, number
            start += metadata.row_group(number).num_rows


def _may_hold(group: tuple[int, Path, int], days: Collection[str]) -> bool:
    """Whether a row group has rows of these days, by what the file tells of it."""
    _, file, number = group
    with pq.ParquetFile(file) as parquet:
        place = parquet.schema_arrow.get_field_index(DAY)
        told = parquet.metadata.row_group(number).column(place).statistics
    if told is None or not told.has_min_max:
        return True
    return any(told.min <= day <= told.max for day in days)


def _vocabularies(features: Artifact) -> dict[str, pa.Array]:
    """By field its values [size - 1] in the order of their ids."""
    table = pq.read_table(features.file(artifact_files.VOCABULARY), columns=["field", "value"])
    fields = pc.unique(table["field"]).to_pylist()
    return {
        name: table.filter(pc.equal(table["field"], name))["value"].combine_chunks()
        for name in fields
    }


def decode(table: pa.Table, schema: FeatureSchema, known: Mapping[str, pa.Array]) -> pa.Table:
    """Raw values [n] by input of encoded rows [n]; `known` are the vocabularies' values by id."""
    columns = {
        field.name: _decode(field, table[field.name].combine_chunks(), known)
        for field in schema.inputs
    }
    return pa.table(columns)


def _decode(field: AnyField, column: pa.Array, known: Mapping[str, pa.Array]) -> pa.Array:
    match field:
        case CategoryField():
            return known[field.name].take(_known_ids(column, field.oov))
        case ListField():
            values = known[field.shares or field.name].take(_known_ids(column.flatten(), field.oov))
            lengths = column.value_lengths().fill_null(0).to_numpy()
            offsets = np.append(0, np.cumsum(lengths)).astype(np.int32)
            return pa.ListArray.from_arrays(offsets, pc.fill_null(values, UNKNOWN))
        case BucketField():
            return _bucket_values(field, column.to_numpy())
        case NumberField():
            return pa.array(unscale(field, column.to_numpy().astype(np.float64)))
        case _:
            return column


def _known_ids(ids: pa.Array, oov: int) -> pa.Array:
    """The same ids [n], null from `oov` on."""
    return pc.if_else(pc.less(ids, oov), ids, pa.scalar(None, ids.type))


def _bucket_values(field: BucketField, ids: NDArray[np.int32]) -> pa.Array:
    """The lower boundary [n] of each bucket; of the first a number below its upper one."""
    upper = np.asarray(field.boundaries, np.float64)
    below = np.nextafter(upper[:1], -np.inf) if len(upper) else np.zeros(1)
    values = np.concatenate([below, upper])
    missing = ids == field.oov
    return pa.array(values[np.where(missing, 0, ids)], mask=missing)

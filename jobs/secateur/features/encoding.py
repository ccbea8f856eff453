"""Events to ids and numbers, on Arrow batches: what Spark maps over its partitions.

The id of a category is its place in the vocabulary, the last id where unknown or missing; of a
list, those of its values. A number is a bucket's id, or scaled.

Spark broadcasts the vocabularies with the encoder, once an executor. Arrow hashes a vocabulary anew
for every batch of 65,536 rows: with 3 million values of 17 bytes (63 MB) that takes about half a
second of one core a batch, and under 0.7 GB in a worker. That is what bounds a vocabulary.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from secateur.contracts.features import (
    VALUE_PREFIX,
    BucketField,
    CategoryField,
    FeatureSchema,
    ListField,
    NumberField,
    VectorField,
)
from secateur.features.numbers import bucket_ids, numbers_in, scaled
from secateur.features.vectors import vectors_in

Input = CategoryField | BucketField | NumberField | ListField | VectorField
USER = "user"
TRAIN_EVENTS = ("user_train_events", "item_train_events")


@dataclass(frozen=True)
class Encoder:
    """Encodes batches of events by a schema; sent to Spark's workers as it is.

    `known` holds every vocabulary by its field, values (strings) in the order of their ids. A batch
    has a column `input_<i>` for the schema's i-th input (a field's own name may hold a dot, which
    Spark does not hand over): texts, `list<string>` for lists, doubles for counters. With
    `held_out` the raw values and the columns `beside` are kept next to what is encoded.
    """

    schema: FeatureSchema
    known: Mapping[str, pa.Array]
    held_out: bool

    def batches(self, events: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Encode batch by batch, in order."""
        return map(self.batch, events)

    def batch(self, events: pa.RecordBatch) -> pa.RecordBatch:
        """Encode one batch of event columns into the columns of a split."""
        given = [(f, events[input_column(i)]) for i, f in enumerate(self.schema.inputs)]
        columns = {f.name: self._encoded(f, column) for f, column in given}
        columns["label"] = events["label"].cast(pa.int8())
        columns |= {name: events[name] for name in (USER, "day", "time_ms")}
        if self.held_out:
            columns |= {VALUE_PREFIX + f.name: _value(f, column) for f, column in given}
            columns |= {name: events[name] for name in self.beside}
        return pa.RecordBatch.from_pydict(columns)

    @property
    def beside(self) -> dict[str, str]:
        """What held-out rows have beside values: train events of user and item, and slices."""
        slices = dict.fromkeys(self.schema.slice_columns, "tinyint")
        return dict.fromkeys(TRAIN_EVENTS, "int") | slices

    @property
    def spark_schema(self) -> str:
        """The columns of `batch`, as Spark's DDL."""
        inputs = self.schema.inputs
        columns = {f.name: _spark_type(f) for f in inputs}
        columns |= {"label": "tinyint", USER: "string", "day": "string", "time_ms": "bigint"}
        if self.held_out:
            columns |= {VALUE_PREFIX + f.name: _value_type(f) for f in inputs} | self.beside
        return ", ".join(f"`{name.replace('`', '``')}` {kind}" for name, kind in columns.items())

    def _encoded(self, field: Input, column: pa.Array) -> pa.Array:
        match field:
            case CategoryField():
                return self._ids(field, field.name, column)
            case BucketField():
                return pa.array(bucket_ids(field, numbers_in(column)))
            case NumberField():
                return pa.array(scaled(field, numbers_in(column)))
            case VectorField():
                return _rows(vectors_in(column, field)[0])
            case ListField():
                lengths = column.value_lengths().fill_null(0).to_numpy()
                offsets = np.append(0, np.cumsum(lengths)).astype(np.int32)
                ids = self._ids(field, field.shares or field.name, column.flatten())
                return pa.ListArray.from_arrays(offsets, ids)

    def _ids(self, field: CategoryField | ListField, vocabulary: str, values: pa.Array) -> pa.Array:
        found = pc.index_in(values, value_set=self.known[vocabulary])
        return found.fill_null(field.oov).cast(pa.int32())


def input_column(place: int) -> str:
    """The event column from which the input at this place of the schema is encoded."""
    return f"input_{place}"


def _rows(vectors: NDArray[np.float32]) -> pa.ListArray:
    rows, length = vectors.shape
    offsets = np.arange(0, rows * length + 1, length, dtype=np.int32)
    return pa.ListArray.from_arrays(offsets, pa.array(vectors.ravel()))


def _spark_type(field: Input) -> str:
    match field:
        case NumberField():
            return "float"
        case VectorField():
            return "array<float>"
        case ListField():
            return "array<int>"
        case _:
            return "int"


def _value_type(field: Input) -> str:
    match field:
        case CategoryField():
            return "string"
        case VectorField():
            return "array<float>"
        case ListField():
            return "array<string>"
        case _:
            return "double"


def _value(field: Input, column: pa.Array) -> pa.Array:
    match field:
        case BucketField():
            return pa.array(numbers_in(column), from_pandas=True)  # NaN becomes null
        case NumberField():
            numbers = numbers_in(column)
            return pa.array(numbers, mask=~np.isfinite(numbers))
        case VectorField():
            vectors, whole = vectors_in(column, field)
            return pc.if_else(pa.array(whole), _rows(vectors), pa.scalar(None, _FLOATS))
        case _:
            return column


_FLOATS = pa.list_(pa.float32())

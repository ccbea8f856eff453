"""Events to ids and numbers, on Arrow's columns, as workers read them.

The id of a category is its place in the vocabulary, the last id where unknown or missing; of a
list, those of its values. A number is a bucket's id, or scaled.

Arrow hashes a vocabulary anew for every part of a day: with 3 million values of 17 bytes (63 MB)
that takes about half a second of one core a million rows, and under 0.7 GB in a worker. That is
what bounds a vocabulary. Of a column with few distinct values only those are looked up.
"""

from collections.abc import Mapping
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
from secateur.encoding.scales import bucket_ids, scale
from secateur.features.columns.number_columns import column_numbers
from secateur.features.columns.vector_columns import vectors_of

Input = CategoryField | BucketField | NumberField | ListField | VectorField


@dataclass(frozen=True)
class ColumnEncoder:
    """Encodes columns of events by a schema.

    `known` holds every vocabulary by its field, values (strings) in the order of their ids.
    """

    schema: FeatureSchema
    known: Mapping[str, pa.Array]

    def encode(self, columns: Mapping[str, pa.Array]) -> dict[str, pa.Array]:
        """Ids (int32) and numbers (float32) [rows] by input; of lists and vectors a list a row.

        `columns` [rows] by input hold texts, or dictionaries of them, `list<string>` for lists,
        and float64 for counters.
        """
        return {f.name: self._encode_field(f, columns[f.name]) for f in self.schema.inputs}

    def values(self, columns: Mapping[str, pa.Array]) -> dict[str, pa.Array]:
        """The raw values [rows] of the same columns, as held-out rows keep them.

        Text for categories, float64 for numbers, lists of float32 for vectors.
        """
        return {VALUE_PREFIX + f.name: _value(f, columns[f.name]) for f in self.schema.inputs}

    def _encode_field(self, field: Input, column: pa.Array) -> pa.Array:
        match field:
            case CategoryField():
                return self._ids(field, field.name, column)
            case BucketField():
                return pa.array(bucket_ids(field, column_numbers(column)))
            case NumberField():
                return pa.array(scale(field, column_numbers(column)))
            case VectorField():
                return _rows(vectors_of(column, field)[0])
            case ListField():
                lengths = column.value_lengths().fill_null(0).to_numpy()
                offsets = np.append(0, np.cumsum(lengths)).astype(np.int32)
                ids = self._ids(field, field.shares or field.name, column.flatten())
                return pa.ListArray.from_arrays(offsets, ids)

    def _ids(self, field: CategoryField | ListField, vocabulary: str, values: pa.Array) -> pa.Array:
        """Int32 ids [n] of canonical texts [n], or of a dictionary of them; OOV for null."""
        if pa.types.is_dictionary(values.type):
            spelled = self._ids(field, vocabulary, values.dictionary.cast(pa.string()))
            return spelled.take(values.indices).fill_null(field.oov)
        found = pc.index_in(values, value_set=self.known[vocabulary])
        return found.fill_null(field.oov).cast(pa.int32())


def _rows(vectors: NDArray[np.float32]) -> pa.ListArray:
    """`list<float>` [n] of vectors [n, length]."""
    rows, length = vectors.shape
    offsets = np.arange(0, rows * length + 1, length, dtype=np.int32)
    return pa.ListArray.from_arrays(offsets, pa.array(vectors.ravel()))


def _value(field: Input, column: pa.Array) -> pa.Array:
    """The raw values [rows] of one column [rows], null where one is missing or cannot be read."""
    match field:
        case BucketField():
            return pa.array(column_numbers(column), from_pandas=True)  # NaN becomes null
        case NumberField():
            numbers = column_numbers(column)
            return pa.array(numbers, mask=~np.isfinite(numbers))
        case VectorField():
            vectors, whole = vectors_of(column, field)
            return pc.if_else(pa.array(whole), _rows(vectors), pa.scalar(None, _FLOATS))
        case ListField():
            return column
        case CategoryField():
            return column.cast(pa.string())


_FLOATS = pa.list_(pa.float32())

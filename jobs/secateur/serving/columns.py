"""The columns of a request: which they must be, how many candidates they speak of, their ids."""

from collections.abc import Mapping, Sequence, Sized
from typing import cast

import numpy as np
from numpy.typing import NDArray

from secateur.contracts.errors import UsageError
from secateur.contracts.features import FeatureSchema
from secateur.serving.encoding import Encoder

Column = Sequence[object] | NDArray[np.generic] | object

_SCALARS = {str, bytes, int, float, bool, type(None)}


def read(schema: FeatureSchema, columns: Mapping[str, Column]) -> Mapping[str, Column]:
    """The columns, one a field, without those that pruning left unread. Raises UsageError."""
    expected = {field.name for field in schema.inputs}
    missing = sorted(expected - columns.keys())
    unknown = sorted(columns.keys() - expected - set(schema.unread))
    if missing or unknown:
        raise UsageError(f"columns do not fit the model: missing {missing}, unknown {unknown}")
    if len(columns) == len(expected):
        return columns
    return {name: column for name, column in columns.items() if name in expected}


def is_scalar(column: Column) -> bool:
    """Whether it is one value, which stands for all candidates."""
    if type(column) in _SCALARS:  # the common ones, without a look at attributes
        return True
    return not hasattr(column, "__len__") or getattr(column, "ndim", 1) == 0


def listed(column: Column) -> list[object]:
    """A column's values as Python's own."""
    # Arrays, and whatever imitates them, such as pandas' series, list them themselves.
    if hasattr(column, "tolist"):
        return cast("list[object]", column.tolist())
    return list(cast("Sequence[object]", column))


def candidates(columns: Mapping[str, Column], rows: Mapping[str, Sized]) -> int:
    """Number of candidates: the length of every column that does not stand for all of them.

    `rows` are the read columns of lists and vectors, of which a single row stands for all.
    """
    lengths = {
        name: len(cast("Sized", column))
        for name, column in columns.items()
        if name not in rows and not is_scalar(column)
    }
    lengths |= {name: len(many) for name, many in rows.items() if len(many) != 1}
    distinct = set(lengths.values())
    if len(distinct) > 1:
        raise UsageError(f"columns have different lengths: {lengths}")
    return distinct.pop() if distinct else 1


def column_ids(encoder: Encoder, column: Column) -> NDArray[np.int32] | int:
    """Ids [n] of a column; one id where it is constant, as a user's are in a request."""
    if is_scalar(column):
        return encoder.id_of(column)
    values = listed(column)
    if values and values[0] == values[-1] and values.count(values[0]) == len(values):
        return encoder.id_of(values[0])
    return encoder.encode(values)


def no_plain_values(name: str, error: Exception) -> UsageError:
    """The complaint about a column that Python cannot read as plain values."""
    return UsageError(f"column {name} holds no plain values: {error}")

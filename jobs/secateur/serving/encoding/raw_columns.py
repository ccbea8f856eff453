"""What a caller may pass as a column of raw values, read as Python's own or as numpy's."""

import struct
from collections.abc import Sequence
from typing import Any, Final, Literal, TypeGuard, cast

import numpy as np
from numpy.typing import NDArray

Values = Sequence[object] | NDArray[np.generic]
Column = Values | object

MANY: Final = object()

_SCALARS = {str, bytes, int, float, bool, type(None)}
_KINDS = {"d": np.float64, "q": np.int64}


def is_scalar(column: Column) -> bool:
    """Whether it is one value, which stands for all candidates."""
    if type(column) in _SCALARS:  # the common ones, without a look at attributes
        return True
    return not hasattr(column, "__len__") or getattr(column, "ndim", 1) == 0


def is_array(values: object) -> TypeGuard[NDArray[np.generic]]:
    """Whether these are numbers in an array."""
    return isinstance(values, np.ndarray) and values.dtype.kind in "iuf"


def listed(column: Column) -> list[object]:
    """A column's values as Python's own."""
    # Arrays, and whatever imitates them, such as pandas' series, list them themselves.
    if hasattr(column, "tolist"):
        return cast("list[object]", column.tolist())
    return list(cast("Sequence[object]", column))


def values_of(column: Column) -> Values:
    """A column that is no scalar: numbers in an array as they are, all else as a list."""
    if type(column) is list or (is_array(column) and column.ndim == 1):
        return cast("Values", column)
    return listed(column)


def single(column: Column) -> object:
    """The one value of a column, as a user's has in a request; `MANY` where there are more."""
    if is_scalar(column):
        return column
    values = values_of(column)
    if not len(values) or values[0] != values[-1]:
        return MANY
    if isinstance(values, np.ndarray):
        return values.item(0) if (values == values[0]).all() else MANY
    return values[0] if values.count(values[0]) == len(values) else MANY


def whole_numbers_of(values: Values) -> NDArray[np.int64] | None:
    """Int64 [n] where `values` [n] are whole numbers, all of them within 64 bits, else None."""
    if isinstance(values, np.ndarray):
        return np.asarray(values, np.int64) if np.can_cast(values.dtype, np.int64) else None
    if not values or type(values[0]) is not int:
        return None
    try:
        return packed("q", values)
    except struct.error:
        return None


def packed(kind: Literal["d", "q"], values: Values) -> NDArray[Any]:
    """Doubles or int64 [n] of Python's numbers, in half the time that numpy takes to look at them.

    Raises struct.error for what is no such number, text included, OverflowError for one too large.
    """
    return np.frombuffer(struct.pack(f"={len(values)}{kind}", *values), _KINDS[kind])

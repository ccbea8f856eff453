"""What a caller may pass as a column of raw values, read as Python's own or as numpy's."""

import struct
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Final, Literal, TypeGuard, cast

import numpy as np
from numpy.typing import NDArray

from secateur.encoding.spelling import BEYOND_INT64, canonical, doubles_of

Values = Sequence[object] | NDArray[np.generic]
Column = Values | object

MANY: Final = object()

# By type too: a float32 equals a double that is spelled otherwise.
_spelling: Callable[[object], str | None] = lru_cache(maxsize=1 << 14, typed=True)(canonical)

_SCALARS = {str, bytes, int, float, bool, type(None)}
_NUMBERS = {int, float, bool}
_NARROW = {"float32", "float16", "float", "halffloat"}
_KINDS = {"d": np.float64, "q": np.int64}


def spelling(value: object) -> str | None:
    """`canonical` of a value, remembered but for buffers, and dates of numpy's."""
    # Buffers, and what numpy masks, cannot be remembered.
    is_remembered = not isinstance(value, np.datetime64 | bytearray | memoryview | np.ndarray)
    return _spelling(value) if is_remembered else canonical(value)


def is_text(value: object) -> bool:
    """Whether it is one text, or the bytes of one, though it has a length."""
    return isinstance(value, str | bytes | bytearray) or (
        isinstance(value, memoryview) and value.format == "B"
    )


def is_scalar(column: Column) -> bool:
    """Whether it is one value, which stands for all candidates."""
    if type(column) in _SCALARS:  # the common ones, without a look at attributes
        return True
    return (
        not hasattr(column, "__len__")
        or is_text(column)
        or getattr(column, "ndim", 1) == 0
        or hasattr(column, "as_py")
    )


def is_array(values: object) -> TypeGuard[NDArray[np.generic]]:
    """Whether these are numbers in an array of any shape."""
    return isinstance(values, np.ndarray) and values.dtype.kind in "iuf"


def to_list(column: Column) -> list[object]:
    """A column's values as Python's own; narrow floats as the doubles that they stand for."""
    if type(column) is list:
        return column
    if isinstance(column, np.ma.MaskedArray):
        masked, values = np.ma.getmaskarray(column), to_list(column.data)
        return [_shown_value(value, mask) for value, mask in zip(values, masked, strict=True)]
    if _dtype(column) in _NARROW:
        floats = np.asarray(column)
        if floats.dtype.kind == "O":  # a nullable Series of older pandas
            floats = np.asarray(column, np.float32)
        return cast("list[object]", doubles_of(floats).tolist())
    if isinstance(column, np.ndarray) and column.dtype.kind == "M":
        return list(column)  # of nanoseconds numpy itself would list whole numbers
    # Arrays, and whatever imitates them, such as pandas' series, list them themselves.
    for name in ("tolist", "to_pylist", "to_list"):
        if hasattr(column, name):
            return cast("list[object]", getattr(column, name)())
    return list(cast("Sequence[object]", column))


def _shown_value(value: object, mask: np.bool_ | NDArray[np.bool_]) -> object:
    """A value that is not masked, else None; a row of an array of rows is one masked array."""
    if mask.ndim:
        return to_list(np.ma.MaskedArray(cast("Any", value), mask))
    return None if mask else value


def _dtype(column: Column) -> str:
    """The type of a column's values as numpy, pandas, Arrow or polars name it."""
    name = str(getattr(column, "dtype", "") or getattr(column, "type", "")).lower()
    return name.removesuffix("[pyarrow]")


def values_of(column: Column) -> Values:
    """A column that is no scalar: numbers in an array as they are, all else as a list."""
    if type(column) is list or (is_array(column) and column.ndim == 1):
        return cast("Values", column)
    return to_list(column)


def single(column: Column) -> object:
    """The one value of a column, as a user's has in a request; `MANY` where there are more."""
    if is_scalar(column):
        return column
    values = values_of(column)
    try:
        if not len(values) or values[0] != values[-1]:
            return MANY
        if isinstance(values, np.ndarray):
            # A float32 must stay one: it is spelled by its own shortest text.
            first = values[0] if _dtype(values) in _NARROW else values.item(0)
            return first if (values == values[0]).all() else MANY
        if values.count(values[0]) < len(values):
            return MANY
    except (TypeError, OverflowError):  # pandas' NA does not say what it equals
        return MANY
    return values[0] if _are_spelled_alike(values) else MANY


def _are_spelled_alike(equals: Sequence[object]) -> bool:
    """Whether values that equal each other surely have one spelling.

    Those of other types may not: a float32 and a double, whole numbers beyond 64 bits, a date of
    numpy's and its first moment.
    """
    kinds = set(map(type, equals))
    if len(kinds) == 1:
        return kinds != {np.datetime64}
    return kinds <= _NUMBERS and abs(cast("float", equals[0])) < BEYOND_INT64


def whole_numbers_of(values: Values) -> NDArray[np.int64] | None:
    """Int64 [n] where `values` [n] are whole numbers, all of them within 64 bits, else None."""
    if isinstance(values, np.ndarray):
        return np.asarray(values, np.int64) if np.can_cast(values.dtype, np.int64) else None
    if not values or type(values[0]) is not int:
        return None
    try:
        return pack_numbers("q", values)
    except struct.error:
        return None


def pack_numbers(kind: Literal["d", "q"], values: Values) -> NDArray[Any]:
    """Doubles or int64 [n] of Python's numbers, in half the time that numpy takes to look at them.

    Raises struct.error for what is no such number, text included, OverflowError for one too large.
    """
    return np.frombuffer(struct.pack(f"={len(values)}{kind}", *values), _KINDS[kind])

"""Columns of raw values to numbers, at once where their types allow it."""

from collections.abc import Collection, Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray

from secateur.contracts.features import NumberField
from secateur.encoding.numbers import Doubles, number_in, number_of
from secateur.encoding.scales import scale
from secateur.encoding.spelling import canonical, doubles_of
from secateur.serving.encoding.raw_columns import (
    Column,
    Values,
    is_array,
    is_scalar,
    pack_numbers,
    spelling,
    to_list,
    values_of,
)

_PLAIN = {int, float, bool, type(None)}


class NumberEncoder:
    """A number by its field's scale; 0.0 where it is missing, no number, or not finite."""

    def __init__(self, field: NumberField) -> None:
        self._field = field

    def encode(self, values: Values) -> NDArray[np.float32]:
        """Float32 [n] of raw values [n]."""
        return scale(self._field, numbers_of(values))


def numbers_of(values: Values) -> Doubles:
    """Float64 [n] of raw values [n]: `number_of` of each, NaN where one spells no number."""
    numbers = _typed_numbers(values)
    if numbers is not None:
        return numbers
    raw = to_list(values)
    try:
        if _is_read_alike(raw):
            return np.asarray(raw, np.float64)
    except (ValueError, OverflowError):
        pass
    return np.array([number_of(value) for value in raw], np.float64)


def known_numbers(column: Column, absent: Collection[str]) -> Column:
    """A column of raw numbers, or one for all, with NaN or None for those spelled as `absent`."""
    if is_scalar(column):
        return None if spelling(column) in absent else column
    values = values_of(column)
    numbers = _typed_numbers(values)
    if numbers is None:
        return [None if spelling(value) in absent else value for value in to_list(values)]
    typed = [number_in(text) for text in absent if canonical(number_in(text)) == text]
    return np.where(np.isin(numbers, typed), np.nan, numbers)


def _typed_numbers(values: Values) -> Doubles | None:
    """Float64 [n] of values [n] that are numbers by their types, None where some are not."""
    if is_array(values):
        if values.dtype.kind == "f":
            return doubles_of(cast("NDArray[np.floating]", values))
        return np.asarray(values, np.float64)
    try:
        # A sum stays a float of Python's where all are its own numbers: a cheap look at all types.
        with np.errstate(all="ignore"):
            total = sum(cast("Sequence[float]", values), 0.0)
        return pack_numbers("d", values) if type(total) is float else None
    except Exception:  # values of foreign types raise what they like, such as AttributeError
        return None


def _is_read_alike(values: list[object]) -> bool:
    """Whether numpy, where it reads these values at all, reads the numbers that they spell."""
    if set(map(type, values)) <= _PLAIN:
        return True
    try:
        text = "".join(cast("list[str]", values))
    except TypeError:
        return False
    return text.isascii() and "_" not in text and "\0" not in text

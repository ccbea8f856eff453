"""Raw values to numbers: what a value spells, and how a number field scales it."""

import math
import struct
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from secateur.contracts.features import NumberField
from secateur.serving.encoding.raw_columns import Values, is_array, listed, packed
from secateur.values import canonical

Doubles = NDArray[np.float64]


class NumberEncoder:
    """A number by its field's scale; 0.0 where it is missing, no number, or not finite."""

    def __init__(self, field: NumberField) -> None:
        self._field = field
        self._knots = np.array(field.knots)
        self._shares = np.linspace(0, 1, len(field.knots))

    def encode(self, values: Values) -> NDArray[np.float32]:
        """Float32 [n] of `values` [n]: numbers, texts that spell one, None or NaN."""
        numbers = numbers_of(values)
        with np.errstate(over="ignore"):
            scaled = self._scaled(np.where(np.isfinite(numbers), numbers, 0)).astype(np.float32)
        return np.where(np.isfinite(numbers) & np.isfinite(scaled), scaled, np.float32(0))

    def _scaled(self, numbers: Doubles) -> Doubles:
        field = self._field
        if field.scale in ("log", "standard_log"):
            numbers = np.sign(numbers) * np.log1p(np.abs(numbers))
        if field.scale == "log":
            return numbers
        if field.scale in ("standard", "standard_log"):
            return (numbers - field.mean) / (field.deviation or 1.0)
        if not field.knots:
            return np.zeros_like(numbers)
        return np.interp(numbers, self._knots, self._shares)


def numbers_of(values: Values) -> Doubles:
    """Float64 [n] of `values` [n], NaN where one is missing or spells no number."""
    if is_array(values):
        return np.asarray(values, np.float64)
    try:
        return packed("d", values)
    except (struct.error, OverflowError):
        return _spelled(listed(values))


def _spelled(values: Sequence[object]) -> Doubles:
    try:
        return np.asarray(values, np.float64)
    except (TypeError, ValueError, OverflowError):
        return np.array([number_of(value) for value in values], np.float64)


def number_of(value: object) -> float:
    """The number that `value` is or spells, else NaN."""
    try:
        if type(value) in (float, int):
            return float(value)  # type: ignore[arg-type]
        return float(canonical(value) or "nan")
    except ValueError:
        return math.nan
    except OverflowError:  # a whole number that no double reaches
        return math.inf if value > 0 else -math.inf  # type: ignore[operator]

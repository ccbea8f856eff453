"""The number that a raw value is or spells.

A text spells a number as ASCII digits do everywhere: a sign, a point, an exponent, whitespace
around it; `inf` and `infinity` in any case too. Digits of other scripts and Python's 1_000 spell
none. A boolean is 1 or 0, also as text. What is missing, or spells no number, is NaN.
"""

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from secateur.encoding.spelling import canonical, canonical_text, float_of

Doubles = NDArray[np.float64]

# The numbers above for Spark: Java's parser alone would read 1d, 1f and 0x1p3 too.
_SPACE = r"[\x09-\x0d\x1c-\x20]*"
NUMBER = rf"{_SPACE}[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?{_SPACE}"


def number_of(value: object) -> float:
    """The number that a raw value of any type is or spells, NaN for none."""
    kind = type(value)
    if kind is str:
        return number_in(value)  # type: ignore[arg-type]
    if kind is int or kind is float:
        try:
            return float(value)  # type: ignore[arg-type]
        except OverflowError:  # a whole number that no double reaches
            return math.inf if value > 0 else -math.inf  # type: ignore[operator]
    if isinstance(value, float | np.floating):
        return float_of(value)
    return _parse(canonical(value))


def number_in(text: str) -> float:
    """The number that a text spells, NaN for none."""
    return _parse(canonical_text(text))


def numbers_in(texts: Iterable[str]) -> Doubles:
    """Float64 [n] of texts [n]: `number_in` of each."""
    return np.fromiter(map(number_in, texts), np.float64)


def _parse(spelled: str | None) -> float:
    if spelled is None or "_" in spelled or not spelled.isascii():
        return math.nan
    try:
        return float(spelled)
    except ValueError:
        return math.nan

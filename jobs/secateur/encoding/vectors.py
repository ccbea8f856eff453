"""Texts and rows that hold the numbers of one vector, such as an item's embedding.

A vector that cannot be read is missing, and so all zeros: one of another length than the field's,
or with a part that is no finite float32. A service that has one among its candidates gets what
training made of such an item, and its request goes on, as with an unknown category.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from secateur.contracts.features import VectorField
from secateur.encoding.lists import parts
from secateur.encoding.numbers import Doubles, number_of
from secateur.encoding.spelling import canonical_text

Floats = NDArray[np.float32]


def vector_in(text: str, field: VectorField) -> Floats | None:
    """Float32 [length] of a text, spelled as a whole first; None where it holds no such vector."""
    return vector_of(parts(canonical_text(text) or "", field.separator), field)


def vector_of(row: Sequence[object], field: VectorField) -> Floats | None:
    """Float32 [length] of a row of raw values, None where it is no such vector."""
    if len(row) != field.length:
        return None
    (vector,) = float32_rows(np.array([[number_of(value) for value in row]], np.float64))
    return vector if np.isfinite(vector).all() else None


def vectors_or_zeros(vectors: Iterable[Floats | None], field: VectorField) -> Floats:
    """Float32 [n, length] of n vectors, zeros for None."""
    nothing = np.zeros(field.length, np.float32)
    rows = [nothing if vector is None else vector for vector in vectors]
    return np.array(rows, np.float32).reshape(len(rows), field.length)


def float32_rows(numbers: Doubles | Floats) -> Floats:
    """Float32 [rows, length] of numbers [rows, length], infinite where one is too great.

    -0 becomes 0, which is how it is spelled.
    """
    with np.errstate(over="ignore"):
        return numbers.astype(np.float32) + np.float32(0)

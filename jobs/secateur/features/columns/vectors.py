"""Texts that hold a vector, such as an item's embedding."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from secateur.contracts.features import VectorField
from secateur.features.columns.numbers import parsed

Floats = NDArray[np.float32]


def vectors_in(texts: pa.Array, field: VectorField) -> tuple[Floats, NDArray[np.bool_]]:
    """Float32 [n, length] of texts [n], and which of them are vectors: the others are zeros.

    Malformed are those with another number of parts, and those with a part that is no finite
    float32. Each distinct text is parsed once.
    """
    spelled = texts.dictionary_encode()
    table = np.zeros((len(spelled.dictionary) + 1, field.length), np.float32)
    whole = np.zeros(len(table), bool)
    for place, text in enumerate(spelled.dictionary.to_pylist()):
        vector = _vector(text, field)
        whole[place] = vector is not None
        table[place] = 0 if vector is None else vector
    rows = spelled.indices.fill_null(len(table) - 1).to_numpy()
    return table[rows], whole[rows]


def _vector(text: str, field: VectorField) -> Floats | None:
    parts = text.split(field.separator)
    if len(parts) != field.length:
        return None
    with np.errstate(over="ignore"):
        numbers = parsed(parts).astype(np.float32)
    return numbers if np.isfinite(numbers).all() else None


def faults_in(texts: pa.Array, field: VectorField) -> tuple[int, int]:
    """How many of these texts are missing, and how many are malformed."""
    whole = int(vectors_in(texts, field)[1].sum())
    return texts.null_count, len(texts) - texts.null_count - whole

"""Columns of texts that hold a vector, such as an item's embedding."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from secateur.contracts.features import VectorField
from secateur.encoding.vectors import Floats, vector_in, vectors_or_zeros


def vectors_of(texts: pa.Array, field: VectorField) -> tuple[Floats, NDArray[np.bool_]]:
    """Float32 [n, length] and bool [n] of texts [n]: vectors, and which of them could be read.

    The others are zeros, as `encoding.vectors` says. Each distinct text is read once.
    """
    distinct = texts.dictionary_encode()
    found = [vector_in(text, field) for text in distinct.dictionary.to_pylist()]
    table = vectors_or_zeros([*found, None], field)
    readable = np.array([vector is not None for vector in [*found, None]])
    rows = distinct.indices.fill_null(len(found)).to_numpy()
    return table[rows], readable[rows]


def count_faults(texts: pa.Array, field: VectorField) -> tuple[int, int]:
    """How many of texts [n] are missing, and how many are malformed."""
    readable = int(vectors_of(texts, field)[1].sum())
    return texts.null_count, len(texts) - texts.null_count - readable

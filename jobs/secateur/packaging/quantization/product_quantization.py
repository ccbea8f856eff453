"""Product quantization (Jegou et al., TPAMI 2011): parts of embeddings as words of small books.

The words of a part are the means of Lloyd's clusters (k-means) over the rows, of all fields
together, in the units that tables store. Nothing is drawn: the first words are evenly spaced among
the distinct parts in lexicographic order.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from secateur.serving.files.row_codes import ZERO

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]

ROUNDS = 12
SAMPLE = 1 << 15  # rows that words are learned from
CHUNK = 1 << 14


def product_quantize(units: Floats, parts: int, words: int) -> tuple[Bytes, tuple[Bytes, ...]]:
    """Which words [rows, parts] stand for whole numbers `units` [rows, dim], and their books.

    A book is [words, length] as in memory, 128 for 0, and may have fewer words than asked for.
    """
    found = [_words(part, words) for part in np.array_split(units, parts, axis=1)]
    codes = np.column_stack([nearest for nearest, _ in found])
    return codes, tuple((book + ZERO).astype(np.uint8) for _, book in found)


def decode_words(words: Bytes, books: Sequence[Bytes]) -> Floats:
    """The whole numbers [rows, dim] that `words` [rows, parts] stand for."""
    parts = [book[column] for book, column in zip(books, words.T, strict=True)]
    return np.column_stack(parts).astype(np.float32) - ZERO


def _words(part: Floats, words: int) -> tuple[Bytes, Floats]:
    """The nearest word of each row [rows], and the book [words, length] in whole units."""
    sample = part[:: max(1, len(part) // SAMPLE)]
    distinct = np.unique(sample, axis=0)
    book = distinct[np.linspace(0, len(distinct) - 1, min(words, len(distinct))).astype(int)]
    for _ in range(ROUNDS):
        nearest = _nearest(sample, book)
        counts = np.bincount(nearest, minlength=len(book))
        sums = np.zeros_like(book)
        np.add.at(sums, nearest, sample)
        book = np.where(counts[:, None] > 0, sums / np.maximum(counts, 1)[:, None], book)
        book = book.astype(np.float32)
    book = np.unique(np.rint(book), axis=0)
    return _nearest(part, book), book


def _nearest(part: Floats, book: Floats) -> Bytes:
    """Which word of `book` [words, length] is nearest to each row of `part` [rows, length]."""
    norms = np.square(book).sum(axis=1)
    nearest = np.zeros(len(part), np.uint8)
    for start in range(0, len(part), CHUNK):
        distances = norms - 2 * part[start : start + CHUNK] @ book.T
        nearest[start : start + CHUNK] = distances.argmin(axis=1)
    return nearest

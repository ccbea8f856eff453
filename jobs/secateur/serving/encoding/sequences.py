"""Raw columns whose every row holds many values: lists, histories and vectors.

A column holds one row a candidate: a sequence of values, None, or, where the field has a
separator, one text. A single row stands for all candidates, as a user's history does; it may come
bare: one text, None, or a plain sequence of values, where that cannot be read as texts, one a row.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from functools import lru_cache
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from secateur.contracts.errors import UsageError
from secateur.contracts.features import ListField, VectorField
from secateur.serving.encoding.numbers import numbers_of
from secateur.serving.encoding.raw_columns import listed
from secateur.serving.files import layout
from secateur.values import canonical

Ids = NDArray[np.int32]
Floats = NDArray[np.float32]
EncodeIds = Callable[[Sequence[object]], Ids]
Row = Sequence[object]

_spelling = lru_cache(maxsize=1 << 14)(canonical)


def encode_list(field: ListField, encode: EncodeIds, column: object) -> Ids:
    """Int32 ids [rows, longest] of a list column, padded; one row stands for all candidates.

    Missing values are left out; of the rest a list keeps its first `length`, a history its last.
    Raises UsageError for what is no list.
    """
    kept = slice(-field.length, None) if field.history else slice(field.length)
    rows = [_present(row)[kept] for row in rows_of(column, field)]
    lengths = np.array([len(row) for row in rows])
    padded = np.full((len(rows), max(1, lengths.max(initial=0))), layout.PADDING, np.int32)
    padded[np.arange(padded.shape[1]) < lengths[:, None]] = encode(list(chain(*rows)))
    return padded


def encode_vector(field: VectorField, column: object) -> Floats:
    """Float32 [rows, length] of a vector column; one row stands for all candidates.

    A missing vector, or one with a number that is missing or not finite, is all zeros. Raises
    UsageError for a vector of another length.
    """
    rows = rows_of(column, field)
    present = [i for i, row in enumerate(rows) if len(row)]
    wrong = [i for i in present if len(rows[i]) != field.length]
    if wrong:
        raise UsageError(
            f"column {field.name}: {len(wrong)} vectors have not {field.length} numbers, "
            f"the first is row {wrong[0]} with {len(rows[wrong[0]])}"
        )
    vectors = np.zeros((len(rows), field.length), np.float32)
    found = numbers_of(list(chain.from_iterable(rows[i] for i in present)))
    vectors[present] = found.reshape(-1, field.length)
    vectors[~np.isfinite(vectors).all(axis=1)] = 0
    return vectors


def rows_of(column: object, field: ListField | VectorField) -> list[Row]:
    """The rows of a column, each a sequence of raw values; a missing row is empty.

    Raises UsageError where rows and single values are mixed.
    """
    if column is None or isinstance(column, str):
        return [_row(column, field)]
    if not isinstance(column, Iterable) or isinstance(column, Mapping | Set):
        raise UsageError(f"column {field.name} holds {column!r:.40}, where a sequence belongs")
    cells = listed(column)
    nested = [not _is_single(cell) for cell in cells]
    if not any(nested) and not _are_texts(cells, field):
        return [cells]
    return [_row(cell, field) for cell in cells]


def _is_single(cell: object) -> bool:
    return cell is None or isinstance(cell, str | bytes) or not hasattr(cell, "__len__")


def _are_texts(cells: Row, field: ListField | VectorField) -> bool:
    """Whether a flat sequence is one text a row, and not the values of one row."""
    separated = field.separator is not None
    return separated and len(cells) > 0 and all(c is None or isinstance(c, str) for c in cells)


def _row(cell: object, field: ListField | VectorField) -> Row:
    if cell is None or (isinstance(cell, float) and cell != cell):  # noqa: PLR0124 - NaN
        return ()
    if isinstance(cell, str) and field.separator is not None:
        return cell.split(field.separator) if cell.strip() else ()
    if _is_single(cell) or isinstance(cell, Mapping | Set):
        raise UsageError(f"column {field.name}: {cell!r:.40} is no row of many values")
    return listed(cell)


def _present(row: Row) -> list[object]:
    return [value for value in row if _spelling(value) is not None]

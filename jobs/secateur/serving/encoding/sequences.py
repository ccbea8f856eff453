"""Raw columns whose every row holds many values: lists, histories and vectors.

A column holds one row a candidate: a sequence of values, None, or, where the field has a
separator, one text. A single row stands for all candidates, as a user's history does; it may come
bare: one text, None, or a plain sequence of values, where that cannot be read as texts, one a row.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence, Set
from itertools import chain
from typing import cast

import numpy as np
from numpy.typing import NDArray

from secateur.contracts.errors import UsageError
from secateur.contracts.features import ListField, VectorField
from secateur.encoding.lists import (
    HISTORY_SEPARATOR,
    keep,
    parts,
    present,
    printed_array,
    split,
)
from secateur.encoding.spelling import BLANK, is_missing, plain_scalar
from secateur.encoding.vectors import Floats, float32_rows
from secateur.serving.encoding.number_encoder import numbers_of
from secateur.serving.encoding.raw_columns import is_scalar, is_text, spelling, to_list
from secateur.serving.files import layout

Ids = NDArray[np.int32]
EncodeIds = Callable[[Sequence[object]], Ids]
Row = Sequence[object] | NDArray[np.generic]

_WIDE = (np.float32, np.float64)
_NONE = type(None)
_TEXTS = (str, bytes, bytearray)
_PLAIN = {str, list, int, _NONE}  # no scalar of Arrow's, no array, nothing that may be missing
_SEPARATORS = set(" ,;|\t^")  # that no number and no boolean has: a text with one is as it stands


def encode_list(
    field: ListField, encode: EncodeIds, column: object, absent: Collection[str] = ()
) -> Ids:
    """Int32 ids [rows, longest] of a list column, padded; one row stands for all candidates.

    `absent` are further spellings of a missing value: of a history's items, or of a whole list.
    Raises UsageError for what is no list.
    """
    known = (_present_values(to_list(row), field, absent) for row in rows_of(column, field))
    rows = [keep(field, row) for row in known]
    lengths = np.array([len(row) for row in rows])
    padded = np.full((len(rows), max(1, lengths.max(initial=0))), layout.PADDING, np.int32)
    values = list(chain(*rows))
    ids = encode(values)
    if field.separator is None:
        _demand_values(field, [values[i] for i in np.flatnonzero(ids == field.oov)], encode)
    padded[np.arange(padded.shape[1]) < lengths[:, None]] = ids
    return padded


def _demand_values(field: ListField, unknown: list[object], encode: EncodeIds) -> None:
    """Refuse a whole history in one text among the values of one: it is none of these itself.

    Only where it holds values that are all known: else it may be a value that has blanks.
    """
    for text in unknown:
        if type(text) is str and BLANK in text.strip(BLANK):
            values = split(text, HISTORY_SEPARATOR)
            if len(values) > 1 and (encode(values) != field.oov).all():
                raise UsageError(
                    f"column {field.name}: {text!r:.40} is a whole history, where single values "
                    "belong: give a sequence of values a candidate, or a DataFrame"
                )


def _present_values(row: list[object], field: ListField, absent: Collection[str]) -> list[object]:
    """The values of a row that are not missing; none where the row as a whole is."""
    if set(map(type, row)) == {str}:
        values: list[object] = [text for text in cast("list[str]", row) if text.strip(BLANK)]
    else:
        values = present(row, spelling)
    if field.history and absent:
        return [value for value in values if spelling(value) not in absent]
    return [] if len(row) == 1 and values and spelling(values[0]) in absent else values


def encode_vector(field: VectorField, column: object) -> Floats:
    """Float32 [rows, length] of a vector column; one row stands for all candidates.

    What is no vector of the field's is zeros, see `secateur.encoding.vectors`; raises UsageError
    where a row is no sequence or text at all.
    """
    rows = rows_of(column, field)
    whole = [i for i, row in enumerate(rows) if len(row) == field.length]
    vectors = np.zeros((len(rows), field.length), np.float32)
    vectors[whole] = float32_rows(_numbers([rows[i] for i in whole]).reshape(-1, field.length))
    vectors[~np.isfinite(vectors).all(axis=1)] = 0
    return vectors


def _numbers(rows: Sequence[Row]) -> NDArray[np.floating]:
    """Floats [rows * length] of rows of one length, that become the same float32 as they do."""
    if rows and all(isinstance(row, np.ndarray) and row.dtype in _WIDE for row in rows):
        return np.concatenate(cast("Sequence[NDArray[np.floating]]", rows))
    return numbers_of(list(chain.from_iterable(to_list(row) for row in rows)))


def rows_of(column: object, field: ListField | VectorField) -> list[Row]:
    """The rows of a column, each a sequence of raw values; a missing row is empty.

    A number among the texts of a list is one value. Raises UsageError where rows and single values
    are mixed otherwise.
    """
    if column is None or is_text(column):
        return [_row(column, field)]
    if is_scalar(column) and is_missing(column):
        return [()]
    if not isinstance(column, Iterable) or isinstance(column, Mapping | Set):
        raise UsageError(f"column {field.name} holds {column!r:.40}, where a sequence belongs")
    if isinstance(column, np.ndarray) and column.ndim > 1:
        return cast("list[Row]", to_list(column)) if _is_masked(column) else list(column)
    cells = to_list(column)
    if not set(map(type, cells)) <= _PLAIN:
        cells = [_plain_cell(cell) for cell in cells]
    kinds = set(map(type, cells))
    is_flat = list not in kinds and all(map(_is_single, cells))
    if is_flat and not _are_rows(cells, kinds, field):
        return [cells]
    return [_row(cell, field) for cell in cells]


def _plain_cell(cell: object) -> object:
    """A cell as Python's or numpy's own value, None where a single one is missing."""
    plain = plain_scalar(cell)
    return None if _is_single(plain) and not is_text(plain) and is_missing(plain) else plain


def _are_rows(cells: Sequence[object], kinds: Set[type], field: ListField | VectorField) -> bool:
    """Whether single values are one a row, and not together the values of one row.

    They are where any is a text, or all are missing, of a field whose rows come as texts.
    """
    if not cells or field.separator is None:
        return False
    if kinds == {_NONE}:
        return not (isinstance(field, VectorField) and len(cells) == field.length)
    return any(issubclass(kind, _TEXTS) for kind in kinds)


def _is_masked(array: object) -> bool:
    return isinstance(array, np.ma.MaskedArray)


def _is_single(cell: object) -> bool:
    return is_scalar(cell)


def _row(cell: object, field: ListField | VectorField) -> Row:
    if type(cell) is list:
        return cell
    separator = field.separator
    if type(cell) is str and separator in _SEPARATORS and separator in cell and "[" not in cell:
        return cell.strip(BLANK).split(separator)
    if _is_single(cell):
        text = spelling(cell)
        if text is None:
            return ()
        if separator is not None and (is_text(cell) or isinstance(field, ListField)):
            return parts(text, separator)
        array = printed_array(text)
        if array is not None:
            return array
    if _is_single(cell) or isinstance(cell, Mapping | Set):
        raise UsageError(f"column {field.name}: {cell!r:.40} is no row of many values")
    is_array = isinstance(cell, np.ndarray) and not _is_masked(cell)
    return cast("Row", cell) if is_array else to_list(cell)

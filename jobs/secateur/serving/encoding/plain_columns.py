"""What callers hold columns in, brought to what the encoders read: scalars, lists and arrays.

    a mapping            each column is a sequence or one value for all; one-way iterators are read
    a DataFrame          of pandas or polars, an Arrow table: each row is a candidate, so a cell of
                         a list is that row's own, and a text of a history is cut at its blanks
    a Series             of a list with a separator is one row a cell as well
    a masked array       what is masked is missing

Sets and mappings have no order, and functions and the like no value: they are no columns.
"""

from collections.abc import Iterator, KeysView, Mapping, Set
from typing import Any, Protocol, cast

import numpy as np

from secateur.contracts.errors import UsageError
from secateur.contracts.features import FeatureSchema, ListField, VectorField
from secateur.encoding.lists import HISTORY_SEPARATOR, split
from secateur.encoding.spelling import is_missing
from secateur.serving.encoding.raw_columns import Column, is_scalar, is_text, spelling, to_list

Columns = Mapping[str, Column]
ManyField = ListField | VectorField

# Read as they stand, without a second look.
_PLAIN = {str, bytes, int, float, bool, type(None), list, tuple, range}


class Table(Protocol):
    """A DataFrame of pandas or polars, or an Arrow table."""

    @property
    def columns(self) -> Any:  # noqa: ANN401 - the libraries differ: names, or the columns
        """Names of columns, or Arrow's columns themselves."""


def plain_columns(columns: Columns | Table, schema: FeatureSchema) -> Columns:
    """Columns by name, each a scalar, a list or a numpy array. Raises UsageError naming others."""
    if type(columns) is dict and all(map(_is_plain, columns.values())):
        return columns
    if isinstance(columns, Mapping):
        many = {field.name: field for field in schema.lists if field.separator is not None}
        return {name: _plain_column(name, one, many.get(name)) for name, one in columns.items()}
    fields: dict[str, ManyField] = {field.name: field for field in schema.lists}
    fields |= {field.name: field for field in schema.vectors}
    return {
        name: _row_a_cell(_plain_column(name, column, None), fields.get(name))
        for name, column in _columns_of_table(columns)
    }


def _is_plain(column: object) -> bool:
    return type(column) in _PLAIN or type(column) is np.ndarray


def _columns_of_table(table: Table) -> Iterator[tuple[str, Column]]:
    # A lazy frame has no length, and no columns yet.
    if not all(hasattr(table, name) for name in ("__len__", "__getitem__", "columns")):
        raise UsageError(
            f"columns are a mapping from names to values, a DataFrame or an Arrow table, "
            f"not {type(table).__name__}"
        )
    names = table.column_names if hasattr(table, "column_names") else table.columns  # Arrow's first
    found = [str(name) for name in names]
    twice = sorted({name for name in found if found.count(name) > 1})
    if twice:
        raise UsageError(f"the table has columns {twice} more than once")
    return (
        (name, cast("Mapping[object, Column]", table)[key])
        for name, key in zip(found, names, strict=True)
    )


def _plain_column(name: str, column: Column, field: ManyField | None) -> Column:
    if _is_plain(column):
        return column
    if isinstance(column, Iterator | KeysView):
        return list(column)
    is_unordered = isinstance(column, Mapping | Set)
    if is_unordered or callable(column) or (is_scalar(column) and _says_nothing(column)):
        raise UsageError(f"column {name} is a {type(column).__name__}, no sequence of values")
    if is_scalar(column):
        return column
    if isinstance(column, np.ma.MaskedArray):
        return to_list(column)
    is_series = hasattr(column, "dtype") or hasattr(column, "to_pylist")
    if is_series and field is not None:
        return _row_a_cell(column, field)
    kind = getattr(column, "dtype", None)
    is_numeric = isinstance(kind, np.dtype) and kind.kind in "iufb"
    return np.asarray(column) if is_numeric and getattr(column, "ndim", 0) == 1 else column


def _says_nothing(value: object) -> bool:
    """Whether a value prints as a place in memory, or is waited for."""
    kind = type(value)
    prints = kind.__str__ is object.__str__ and kind.__repr__ is object.__repr__
    return prints or hasattr(value, "__await__") or hasattr(value, "__anext__")


def _row_a_cell(column: Column, field: ManyField | None) -> Column:
    """The column of a field of many values with a sequence, a text or None in every cell."""
    if field is None:
        return column
    return [_row(cell, field) for cell in to_list(column)]


def _row(cell: object, field: ManyField) -> object:
    if not is_scalar(cell):
        return cell
    if is_missing(cell):
        return [] if field.separator is None else None
    if not is_text(cell):
        return [cell]
    if field.separator is not None:
        return cell
    return split(spelling(cell) or "", HISTORY_SEPARATOR)

"""Columns whose values are lists: items shown and marked, items shown beside the one chosen."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from secateur.scenario.drafting.columns import LogColumn

SEPARATORS = ("|", ";", ",", " ")
_MARKS = ("-", ":", "_", "=")
_SURE, _MOSTLY = 0.98, 0.9
_FEW_ITEMS = 20
_ANY_PART = 1.5


class MarkedList(NamedTuple):
    """A column of items that are each marked 1 or 0, such as `N123-1 N45-0`."""

    column: LogColumn
    separator: str
    mark: str
    items: frozenset[str]
    rate: float


class ClickedList(NamedTuple):
    """A column of items shown, such as `a|b|c`, and the column that names the one chosen."""

    column: LogColumn
    separator: str
    clicked: LogColumn
    items: frozenset[str]
    rate: float  # share of the items shown that were chosen
    shown: float  # share of the rows that show any


class ContextRows(NamedTuple):
    """SQL for the rows of other actions that touch an item, and how many the sample has.

    `touches` is SQL that is 1 for such an action and 0 for another, "" where actions have no types.
    """

    where: str
    rows: int
    touches: str = ""


def separator_of(column: LogColumn) -> str | None:
    """What stands between the values of a list; None where the column's values are no lists.

    A list's parts come again in other lists, which the words of a sentence between commas do not.
    """
    for separator in SEPARATORS[:-1]:
        parts = [part for value in column.counts for part in value.split(separator)]
        many = len(parts) >= _ANY_PART * column.distinct > 1
        if many and len(set(parts)) <= 0.5 * len(parts) and all(part.strip() for part in parts):
            return separator
    return None


def marked_list(columns: Sequence[LogColumn]) -> MarkedList | None:
    """The first column whose values are items marked 0 or 1."""
    for column in columns:
        for separator in SEPARATORS:
            for mark in _MARKS:
                one = rf"[^{re.escape(separator)}]+{re.escape(mark)}[01]"
                shape = re.compile(rf"{one}(?:{re.escape(separator)}{one})*")
                if not _all_match(column, shape):
                    continue
                marked = [part for value in column.present for part in value.split(separator)]
                if len(marked) < _ANY_PART * len(column.present):
                    continue
                rate = sum(part.endswith("1") for part in marked) / len(marked)
                items = frozenset(part[: -1 - len(mark)] for part in marked)
                return MarkedList(column, separator, mark, items, rate)
    return None


def clicked_list(columns: Sequence[LogColumn]) -> ClickedList | None:
    """The first column of lists that mostly hold what another column says, at changing places."""
    for column in columns:
        separator = separator_of(column)
        if separator is None:
            continue
        for clicked in columns:
            if clicked is not column and _chooses(column, separator, clicked):
                shown = [value.split(separator) for value in column.present]
                items = frozenset(part for parts in shown for part in parts)
                rate = len(shown) / sum(map(len, shown))
                share = len(column.present) / len(column.values)
                return ClickedList(column, separator, clicked, items, rate, share)
    return None


def list_with(columns: Sequence[LogColumn], item: LogColumn) -> tuple[str, str] | None:
    """The first column of lists that hold the row's item, and what stands between their parts."""
    for column in columns:
        separator = separator_of(column) if column is not item else None
        if separator is None:
            continue
        pairs = _pairs(column, separator, item)
        inside = sum(chosen in shown for chosen, shown in pairs)
        many = sum(len(shown) > 1 for _, shown in pairs)
        if len(pairs) >= _MOSTLY * len(item.values) and inside >= _SURE * len(pairs) < 2 * many:
            return column.name, separator
    return None


def context_rows(
    columns: Sequence[LogColumn], found: ClickedList, types: LogColumn | None
) -> ContextRows | None:
    """The rows without a list whose other column names an item all the same; None without any.

    Where actions have types, it is those of the types that mostly name one.
    """
    listed = zip(found.column.values, found.clicked.values, strict=True)
    bare = [n for n, (shown, touched) in enumerate(listed) if shown is None and touched]
    touches = {n: (found.clicked.values[n] or "") in found.items for n in bare}
    where = f"coalesce(trim(`{found.column.name}`), '') = ''"
    if types is None:
        of_items = sum(touches.values())
        return ContextRows(where, len(bare)) if bare and of_items >= 0.5 * len(bare) else None
    by_type = {types.values[n] or "": [0, 0] for n in bare}
    for n in bare:
        by_type[types.values[n] or ""][touches[n]] += 1
    kinds = sorted(k for k, (no, yes) in by_type.items() if k and yes >= no and "'" not in k)
    if not kinds:
        return None
    named = ", ".join(f"'{kind}'" for kind in kinds)
    is_touch = f"`{types.name}` IN ({named})"
    rows = sum(sum(by_type[kind]) for kind in kinds)
    return ContextRows(f"{where} AND {is_touch}", rows, f"int({is_touch})")


def _pairs(column: LogColumn, separator: str, chosen: LogColumn) -> list[tuple[str, list[str]]]:
    """What a row chose, and what it showed, of the rows that have both."""
    return [
        (one, shown.split(separator))
        for one, shown in zip(chosen.values, column.values, strict=True)
        if one is not None and shown is not None
    ]


def aligned_with(column: LogColumn, shown: LogColumn, separator: str) -> bool:
    """Whether its values are lists as long as those shown, row by row: a price for each item."""
    pairs = [
        (value.count(separator), items.count(separator))
        for value, items in zip(column.values, shown.values, strict=True)
        if value is not None and items is not None
    ]
    alike = sum(mine == theirs for mine, theirs in pairs)
    return any(mine for mine, _ in pairs) and alike >= _SURE * len(pairs)


def _chooses(column: LogColumn, separator: str, clicked: LogColumn) -> bool:
    """Whether `clicked` names a part of the list, often another than the first.

    Few different values are no items: a film's main genre is the first of its genres.
    """
    pairs = _pairs(column, separator, clicked)
    inside = sum(chosen in shown for chosen, shown in pairs)
    first = sum(chosen == shown[0] for chosen, shown in pairs)
    items = {part for _, shown in pairs for part in shown}
    return inside >= _MOSTLY * len(pairs) > 0 and first < inside and len(items) > _FEW_ITEMS


def _all_match(column: LogColumn, shape: re.Pattern[str]) -> bool:
    first = next(iter(column.counts), "")
    if not shape.fullmatch(first):  # most columns are told by their first value
        return False
    matching = sum(rows for value, rows in column.counts.items() if shape.fullmatch(value))
    return matching >= _SURE * len(column.present)

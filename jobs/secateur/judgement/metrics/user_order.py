"""Rows in the order of their users, so that a block of them holds users whole.

What is ranked is ranked within a user's day, and what is summed is summed by user, by item, and by
cell (a user with an item): in this order each needs the rows of a block at hand, and sums [g] by
group. Of rows nothing else is in memory: what is kept of each lies in `scratch`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from secateur.judgement.metrics.scratch import row_slices, scratch

BLOCK_ROWS = 2**15  # of more rows only where one user has more

Codes = NDArray[np.signedinteger]  # [n], any integers


class Effective(NamedTuple):
    """How many users and items of equal size would be as concentrated: 1 / sum of share**2."""

    users: float
    items: float


@dataclass(frozen=True)
class Grouping:
    """Rows [n] by group: each row's code from 0, and the rows of every group [g]."""

    codes: NDArray[np.int32]
    rows: NDArray[np.int64]

    @staticmethod
    def of(codes: Codes) -> "Grouping":
        """Number the groups from 0, in the order of their codes [n]."""
        known = np.unique(codes[:0])
        for part in row_slices(len(codes)):
            known = np.union1d(known, codes[part])
        numbers, rows = scratch(len(codes), np.int32), np.zeros(len(known), np.int64)
        for part in row_slices(len(codes)):
            numbers[part] = np.searchsorted(known, codes[part])
            rows += np.bincount(numbers[part], minlength=len(known))
        return Grouping(numbers, rows)

    @cached_property
    def shares(self) -> NDArray[np.float64]:
        """Share of all rows [g]."""
        return np.asarray(self.rows / self.rows.sum(), np.float64)

    @cached_property
    def concentration(self) -> float:
        """Sum of squared shares."""
        return float(np.sum(self.shares**2))

    @property
    def effective(self) -> float:
        """How many groups of equal size would be as concentrated."""
        return 1 / self.concentration


@dataclass(frozen=True)
class UserOrder:
    """Rows [n] sorted by user: of each its place among the rows as given, user, item and cell.

    `blocks` cut them where a user ends; the numbers of `cells` tell those of a block apart.
    """

    places: NDArray[np.int64]
    users: Grouping
    items: Grouping
    cells: NDArray[np.int32]
    blocks: Sequence[slice]

    @property
    def effective(self) -> Effective:
        """The effective numbers of all rows."""
        return Effective(self.users.effective, self.items.effective)

    @staticmethod
    def of(users: Codes, items: Codes) -> "UserOrder":
        """Sort rows [n] by the codes of their users; a user's rows stay in the order given."""
        by_user, by_item = Grouping.of(users), Grouping.of(items)
        places = _sort(by_user)
        of_users, of_items = (gather(one.codes, places) for one in (by_user, by_item))
        blocks, cells = _cut(by_user.rows), scratch(len(places), np.int32)
        for block in blocks:
            both = of_users[block].astype(np.int64) * len(by_item.rows) + of_items[block]
            cells[block] = np.unique(both, return_inverse=True)[1]
        ordered = Grouping(of_users, by_user.rows), Grouping(of_items, by_item.rows)
        return UserOrder(places, *ordered, cells, blocks)


def gather(values: NDArray[Any], places: NDArray[np.int64]) -> NDArray[Any]:
    """Values [n] in the order of their rows' places [n]."""
    found = scratch(len(places), values.dtype)
    for part in row_slices(len(places)):
        found[part] = values[places[part]]
    return found


def _sort(groups: Grouping) -> NDArray[np.int64]:
    """Places [n] of the rows by group: each group's come one after another (a counting sort)."""
    places = scratch(len(groups.codes), np.int64)
    free = np.cumsum(groups.rows) - groups.rows
    for part in row_slices(len(groups.codes)):
        codes = groups.codes[part]
        order = np.argsort(codes, kind="stable")
        found, starts, counts = np.unique(codes[order], return_index=True, return_counts=True)
        within = np.arange(len(order)) - np.repeat(starts, counts)
        places[np.repeat(free[found], counts) + within] = part.start + order
        free[found] += counts
    return places


def _cut(rows: NDArray[np.int64]) -> list[slice]:
    """Blocks of whole groups, whose `rows` [g] follow one another."""
    ends, found, start = np.cumsum(rows), [], 0
    total = int(ends[-1]) if len(ends) else 0
    while start < total:
        last = int(np.searchsorted(ends, start + BLOCK_ROWS, side="right")) - 1
        fits = last >= 0 and ends[last] > start
        stop = int(ends[last if fits else last + 1])
        found.append(slice(start, stop))
        start = stop
    return found

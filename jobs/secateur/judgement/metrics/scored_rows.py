"""Judged rows, and what each model's scores say of every one of them, ready to be weighed.

What a row is worth hangs on the rows of its moment, and for AUC and bins on all rows. Of a block of
rows that holds users whole the former is known as it is of all; the latter must be said.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from secateur.auc import Scores, placements
from secateur.judgement.accuracy import BinaryLabels, losses
from secateur.judgement.metrics.placing import Placed, place
from secateur.judgement.metrics.score_bins import ScoreBins
from secateur.judgement.metrics.scratch import row_slices, scratch
from secateur.judgement.metrics.user_order import Codes, Effective, UserOrder, gather

TOP = 10  # a moment's rows that are shown first
Column = NDArray[np.float32]  # [n]
Sums = NDArray[np.float64]  # [groups]


@dataclass(frozen=True)
class JudgedRows:
    """Rows [n] that both models scored: labels, and codes of users, items and moments.

    A moment is a user's day: its rows could have been offered side by side.
    """

    labels: BinaryLabels
    users: Codes
    items: Codes
    moments: Codes

    def take(self, mask: NDArray[np.bool_]) -> "JudgedRows":
        """The rows inside of a mask [n]."""
        codes = (rows_inside(one, mask) for one in (self.users, self.items, self.moments))
        return JudgedRows(rows_inside(self.labels, mask), *codes)

    @cached_property
    def order(self) -> UserOrder:
        """The rows by user."""
        return UserOrder.of(self.users, self.items)

    @cached_property
    def by_user(self) -> "JudgedRows":
        """The same rows in that order."""
        labels, moments = (gather(one, self.order.places) for one in (self.labels, self.moments))
        return JudgedRows(labels, self.order.users.codes, self.order.items.codes, moments)

    def part(self, rows: slice) -> "JudgedRows":
        """Some of the rows."""
        return JudgedRows(self.labels[rows], self.users[rows], self.items[rows], self.moments[rows])

    @cached_property
    def of_moment(self) -> NDArray[np.int64]:
        """Each row's moment, numbered from 0."""
        return np.unique(self.moments, return_inverse=True)[1]

    @cached_property
    def columns(self) -> Mapping[str, Column]:
        """What is summed of rows whatever the model."""
        sizes = np.bincount(self.of_moment)
        positives = np.bincount(self.of_moment, self.labels == 1)
        two_classes = (positives > 0) & (positives < sizes)
        return {
            "rows": np.ones(len(self.labels), np.float32),
            "positives": (self.labels == 1).astype(np.float32),
            "negatives": (self.labels != 1).astype(np.float32),
            "ranked_rows": two_classes[self.of_moment].astype(np.float32),
            "listed_rows": (sizes > TOP)[self.of_moment].astype(np.float32),
        }

    @cached_property
    def effective(self) -> Mapping[str, Effective]:
        """By column, the effective numbers of users and items among the rows that it counts."""
        items = len(self.order.items.rows)
        users, by_item = (
            defaultdict[str, float](float),
            defaultdict[str, Sums](lambda: _sums(items)),
        )
        for block in self.order.blocks:
            part = self.by_user.part(block)
            for name, column in part.columns.items():
                by_user = np.bincount(part.users - part.users[0], column)
                users[name] += float(by_user @ by_user)
                np.add.at(by_item[name], part.items, column)
        return {
            name: Effective(
                float(sums.sum()) ** 2 / max(users[name], 1.0),
                float(sums.sum()) ** 2 / max(float(sums @ sums), 1.0),
            )
            for name, sums in by_item.items()
        }


@dataclass(frozen=True)
class ScoredRows:
    """One model's `scores` [n] of judged rows, beside the `dense` model's.

    Where these are a block of the rows, the bins and the AUC of all are `known`.
    """

    rows: JudgedRows
    scores: Scores
    dense: Scores
    known_bins: ScoreBins | None = None
    known_places: Placed | None = None
    _columns: dict[str, Column] = field(default_factory=dict, compare=False)

    @cached_property
    def bins(self) -> ScoreBins:
        """All rows by score."""
        return self.known_bins or ScoreBins.of(self.scores)

    @cached_property
    def codes(self) -> NDArray[np.intp]:
        """2 * bin + label of these rows [n]."""
        return self.bins.codes(self.rows.labels, self.scores)

    @cached_property
    def places(self) -> Placed:
        """The AUC of all rows, and the placements [n] of these."""
        return self.known_places or place(self.rows.labels, self.scores)

    def column(self, name: str) -> Column:
        """What is summed of each row."""
        if name in COLUMNS and name not in self._columns:
            self._columns[name] = COLUMNS[name](self).astype(np.float32)
        return self._columns[name] if name in COLUMNS else self.rows.columns[name]

    def ranking_shares(self) -> NDArray[np.float64]:
        """Each row's share of its moment's AUC times rows, 0 where the moment has one class.

        With A a moment's AUC, n its rows, p a row's placement and m the rows of its class, it is
        A + n (p - A) / m: summed under weights of users it gives their GAUC exactly, under weights
        of items to first order.
        """
        labels, moments = self.rows.labels, self.rows.of_moment
        of_class = 2 * moments + (labels == 1)
        placed = placements(labels, moments, self.scores)
        in_class = np.bincount(of_class)
        areas = (np.bincount(of_class, placed) / np.maximum(in_class, 1))[of_class]
        share = areas + np.bincount(moments)[moments] * (placed - areas) / in_class[of_class]
        return np.where(np.isnan(placed), 0.0, share)

    def kept_on_top(self) -> NDArray[np.float64]:
        """Share of the dense model's first `TOP` rows of the moment that are this one's too."""
        moments = self.rows.of_moment
        both = _on_top(moments, self.scores) & _on_top(moments, self.dense)
        kept = np.bincount(moments, both) / TOP
        return np.where(self.rows.columns["listed_rows"] > 0, kept[moments], 0.0)


COLUMNS: Mapping[str, Callable[[ScoredRows], NDArray[np.generic]]] = {
    "loss": lambda model: losses(model.rows.labels, model.scores),
    "score": lambda model: model.scores,
    "ranked": ScoredRows.ranking_shares,
    "change": lambda model: np.abs(model.scores - model.dense),
    "kept_on_top": ScoredRows.kept_on_top,
}


def _sums(groups: int) -> Sums:
    return np.asarray(scratch(groups, np.float64), np.float64)


def rows_inside(values: NDArray[Any], mask: NDArray[np.bool_]) -> NDArray[Any]:
    """Values [n] inside of a mask [n]."""
    kept, filled = scratch(int(np.count_nonzero(mask)), values.dtype), 0
    for part in row_slices(len(mask)):
        mine = values[part][mask[part]]
        kept[filled : filled + len(mine)] = mine
        filled += len(mine)
    return kept


def _on_top(moments: NDArray[np.int64], scores: Scores) -> NDArray[np.bool_]:
    """Whether each row [n] is among the first `TOP` of its moment; of ties the first row is."""
    ranks = np.unique(-scores, return_inverse=True)[1]
    order = np.argsort(moments * len(scores) + ranks, kind="stable")
    new = np.diff(moments[order], prepend=-1) != 0
    starts = np.flatnonzero(new)[np.cumsum(new) - 1]
    top = np.empty(len(scores), np.bool_)
    top[order] = np.arange(len(scores)) - starts < TOP
    return top

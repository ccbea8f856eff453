"""Judged rows, and what each model's scores say of every one of them, ready to be weighed."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from secateur.auc import Scores, placements
from secateur.judgement.accuracy import BinaryLabels, losses
from secateur.judgement.metrics.score_bins import ScoreBins, bin_scores

TOP = 10  # a moment's rows that are shown first
Column = NDArray[np.float32]  # [n]
Codes = NDArray[np.int64]  # [n], any integers


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
        codes = (self.users[mask], self.items[mask], self.moments[mask])
        return JudgedRows(self.labels[mask], *codes)

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
            "ranked_rows": two_classes[self.of_moment].astype(np.float32),
            "listed_rows": (sizes > TOP)[self.of_moment].astype(np.float32),
        }


@dataclass(frozen=True)
class ScoredRows:
    """One model's `scores` [n] of judged rows, beside the `dense` model's."""

    rows: JudgedRows
    scores: Scores
    dense: Scores

    @cached_property
    def bins(self) -> ScoreBins:
        """The rows by score."""
        return bin_scores(self.rows.labels, self.scores)

    @cached_property
    def columns(self) -> Mapping[str, Column]:
        """What is summed of each row."""
        found = {
            "loss": losses(self.rows.labels, self.scores),
            "score": self.scores,
            "ranked": self._ranking_shares(),
            "change": np.abs(self.scores - self.dense),
            "kept_on_top": self._kept_on_top(),
        }
        return {name: column.astype(np.float32) for name, column in found.items()}

    def _ranking_shares(self) -> NDArray[np.float64]:
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

    def _kept_on_top(self) -> NDArray[np.float64]:
        """Share of the dense model's first `TOP` rows of the moment that are this one's too."""
        moments = self.rows.of_moment
        both = _on_top(moments, self.scores) & _on_top(moments, self.dense)
        kept = np.bincount(moments, both) / TOP
        return np.where(self.rows.columns["listed_rows"] > 0, kept[moments], 0.0)


def _on_top(moments: NDArray[np.int64], scores: Scores) -> NDArray[np.bool_]:
    """Whether each row [n] is among the first `TOP` of its moment; of ties the first row is."""
    order = np.lexsort((-scores, moments))
    new = np.diff(moments[order], prepend=-1) != 0
    starts = np.flatnonzero(new)[np.cumsum(new) - 1]
    top = np.empty(len(scores), np.bool_)
    top[order] = np.arange(len(scores)) - starts < TOP
    return top

"""Scores in fine bins, so that a resample needs a count of each bin and no sort.

Two rows of one bin count as tied. Up to `BINS` distinct scores that is exact; of more, a bin holds
an equal share of the rows, whose scores hardly differ, and the AUC is off by less than 1e-5.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from secateur.auc import Labels, Scores
from secateur.judgement.metrics.scratch import row_slices, scratch

BINS = 1024
DECILES = 10

BinWeights = NDArray[np.float64]  # [rounds, bins, 2]: how much the negatives, the positives weigh


@dataclass(frozen=True)
class ScoreBins:
    """The least score of every bin, and how many different scores there are."""

    starts: Scores
    distinct: int

    @staticmethod
    def of(scores: Scores) -> "ScoreBins":
        """Bins for scores [n]."""
        in_order = scratch(len(scores), scores.dtype)
        for part in row_slices(len(scores)):
            in_order[part] = scores[part]
        in_order.sort()
        values, distinct = in_order[:0], 0
        for part in row_slices(len(scores)):
            with_last = in_order[max(part.start - 1, 0) : part.stop]
            new = in_order[part][np.diff(with_last, prepend=[np.nan] * (not part.start)) != 0]
            values, distinct = np.append(values, new[:BINS]), distinct + len(new)
        if distinct > BINS:
            values = np.unique(in_order[np.arange(BINS) * len(scores) // BINS])
        return ScoreBins(values, distinct)

    @property
    def width(self) -> int:
        """How many codes there are."""
        return 2 * len(self.starts)

    def codes(self, labels: Labels, scores: Scores) -> NDArray[np.intp]:
        """2 * bin + label of rows [n]."""
        bins = np.searchsorted(self.starts, scores, side="right") - 1
        return np.asarray(2 * bins + (labels == 1), np.intp)


class BinScores(NamedTuple):
    """Of every bin [bins] the mean of its rows' scores, and the tenth of all rows it lies in."""

    means: NDArray[np.float64]
    deciles: NDArray[np.int64]

    @staticmethod
    def of(rows: NDArray[np.float64], sums: NDArray[np.float64]) -> "BinScores":
        """From the rows of every bin [bins] and the sums of their scores."""
        middles = (np.cumsum(rows) - rows / 2) / rows.sum()
        return BinScores(sums / rows, (middles * DECILES).astype(np.int64))


def weighted_auc(weights: BinWeights) -> NDArray[np.float64]:
    """AUC [rounds], a tie counting half; NaN without a class."""
    negatives, positives = weights[..., 0], weights[..., 1]
    beaten = np.cumsum(negatives, axis=1) - negatives / 2
    pairs = positives.sum(axis=1) * negatives.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((positives * beaten).sum(axis=1) / pairs, np.float64)


def decile_gaps(weights: BinWeights, bins: BinScores) -> NDArray[np.float64]:
    """Sum of score less label [rounds, deciles] of the rows of every tenth that holds a bin."""
    gaps = weights.sum(axis=2) * bins.means - weights[..., 1]
    starts = np.flatnonzero(np.diff(bins.deciles, prepend=-1))
    return np.asarray(np.add.reduceat(gaps, starts, axis=1), np.float64)


def weighted_calibration_error(weights: BinWeights, bins: BinScores) -> NDArray[np.float64]:
    """Expected calibration error [rounds] over tenths of the rows by score (Naeini et al. 2015)."""
    by_decile = np.abs(decile_gaps(weights, bins))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(by_decile.sum(axis=1) / weights.sum(axis=(1, 2)), np.float64)

"""Scores in fine bins, so that a resample needs a count of each bin and no sort.

Two rows of one bin count as tied. Up to `BINS` distinct scores that is exact; of more, a bin holds
an equal share of the rows, whose scores hardly differ, and the AUC is off by less than 1e-5.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from secateur.auc import Labels, Scores

BINS = 1024
DECILES = 10

BinWeights = NDArray[np.float64]  # [rounds, bins, 2]: how much the negatives, the positives weigh


@dataclass(frozen=True)
class ScoreBins:
    """One model's rows: `codes` [n] are 2 * bin + label, `mean_scores` and `deciles` are [bins]."""

    codes: NDArray[np.uint16]
    mean_scores: NDArray[np.float64]
    deciles: NDArray[np.int64]

    @property
    def width(self) -> int:
        """How many codes there are."""
        return 2 * len(self.mean_scores)


def bin_scores(labels: Labels, scores: Scores) -> ScoreBins:
    """Put scores [n] into bins, in their order."""
    in_order = np.sort(scores)
    starts = in_order[np.flatnonzero(np.diff(in_order, prepend=np.nan) != 0)]
    if len(starts) > BINS:
        starts = np.unique(in_order[np.arange(BINS) * len(scores) // BINS])
    bins = np.searchsorted(starts, scores, side="right") - 1
    rows = np.bincount(bins, minlength=len(starts))
    middles = (np.cumsum(rows) - rows / 2) / len(scores)
    return ScoreBins(
        codes=(2 * bins + (labels == 1)).astype(np.uint16),
        mean_scores=np.bincount(bins, scores, len(starts)) / rows,
        deciles=(middles * DECILES).astype(np.int64),
    )


def weighted_auc(weights: BinWeights) -> NDArray[np.float64]:
    """AUC [rounds], a tie counting half; NaN without a class."""
    negatives, positives = weights[..., 0], weights[..., 1]
    beaten = np.cumsum(negatives, axis=1) - negatives / 2
    pairs = positives.sum(axis=1) * negatives.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((positives * beaten).sum(axis=1) / pairs, np.float64)


def weighted_calibration_error(weights: BinWeights, bins: ScoreBins) -> NDArray[np.float64]:
    """Expected calibration error [rounds] over tenths of the rows by score (Naeini et al. 2015)."""
    gaps = weights.sum(axis=2) * bins.mean_scores - weights[..., 1]
    starts = np.flatnonzero(np.diff(bins.deciles, prepend=-1))
    by_decile = np.abs(np.add.reduceat(gaps, starts, axis=1))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(by_decile.sum(axis=1) / weights.sum(axis=(1, 2)), np.float64)

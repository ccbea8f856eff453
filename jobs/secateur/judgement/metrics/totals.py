"""What is summed of a model's rows, as blocks of them come in, and under weights."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from secateur.judgement.metrics.score_bins import BinScores, BinWeights, ScoreBins
from secateur.judgement.metrics.scored_rows import ScoredRows


class Weighted(NamedTuple):
    """One model's rows under the weights of many rounds: by bin, and summed by column [rounds]."""

    table: BinWeights
    bins: BinScores
    sums: Mapping[str, NDArray[np.float64]]


class Totals:
    """One model's sums of all rows, unweighted; `bins` are None where no metric asks for them.

    Sums are float64 and counts whole numbers: a float32 stops counting at 2**24 rows.
    """

    def __init__(self, columns: Sequence[str], bins: ScoreBins | None) -> None:
        self.sums = dict.fromkeys(columns, 0.0)
        self.rows = self.positives = 0
        bin_count = len(bins.starts) if bins else 0
        self.table = np.zeros((bin_count, 2))
        self.score_sums = np.zeros(bin_count)

    def add(self, model: ScoredRows) -> None:
        """Add a block of rows."""
        self.rows += len(model.scores)
        self.positives += int(np.sum(model.rows.labels == 1))
        for name in self.sums:
            self.sums[name] += float(np.sum(model.column(name), dtype=np.float64))
        if self.table.size:
            in_bins = np.bincount(model.codes, minlength=self.table.size)
            self.table += in_bins.reshape(self.table.shape)
            self.score_sums += np.bincount(model.codes // 2, model.scores, len(self.score_sums))

    @property
    def bins(self) -> BinScores:
        """What the bins hold."""
        return BinScores.of(self.table.sum(axis=1), self.score_sums)

    def one_round(self) -> Weighted:
        """One in which every row counts once."""
        sums = {name: np.array([total]) for name, total in self.sums.items()}
        return Weighted(self.table[np.newaxis], self.bins, sums)

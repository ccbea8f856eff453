"""The product-weight bootstrap: users and items are drawn apart, and a row weighs the product.

In every round each user, and each item, counts double or not at all by the toss of a coin (Owen and
Eckles, AOAS 6, 2012: of all weights of mean and variance 1 these have the least fourth moment).
A row counts where both do. All models of all candidates share the rounds, so that what they share
cancels. Weights and rows are worked on in blocks and summed in float64: besides the rows, and what
is known of each, memory holds `ROUNDS_AT_ONCE` coins a user and item, and the bins of each model.
"""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from secateur.judgement.intervals.clusters import Clusters
from secateur.judgement.metrics.definitions import Weighted
from secateur.judgement.metrics.scored_rows import ScoredRows

ROUNDS = 1000  # knows the standard error to 1 / sqrt(2 * ROUNDS) = 2 %
ROUNDS_AT_ONCE = 32
ROWS_AT_ONCE = 2**15  # their weights lie in a core's cache
# Of a larger product BLAS makes threads of its own, which wait for ours and triple the seconds.
PRODUCT_ROWS = 512

Coins = NDArray[np.bool_]  # [rounds, groups]
RowWeights = NDArray[np.float64]  # [rounds, rows]


def resamples(
    models: Sequence[ScoredRows], clusters: Clusters, seed: int, rounds: int = ROUNDS
) -> Iterator[list[Weighted]]:
    """Every model's sums under the weights of `ROUNDS_AT_ONCE` rounds at a time."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for start in range(0, rounds, ROUNDS_AT_ONCE):
            width = min(ROUNDS_AT_ONCE, rounds - start)
            coins = [
                np.random.default_rng([seed, role, start]).integers(0, 2, (width, groups)) == 1
                for role, groups in enumerate((len(clusters.users.rows), len(clusters.items.rows)))
            ]
            totals = list(pool.map(lambda model, w=width: _Totals(model, w), models))
            for rows, weights in _weights(clusters, coins):
                list(pool.map(lambda one, w=weights, r=rows: one.add(r, w), totals))
            yield [one.result() for one in totals]


def _weights(clusters: Clusters, coins: Sequence[Coins]) -> Iterator[tuple[slice, RowWeights]]:
    """Rows, a block at a time, with their weights [rounds, rows]."""
    users, items = clusters.users.codes, clusters.items.codes
    for start in range(0, len(users), ROWS_AT_ONCE):
        rows = slice(start, start + ROWS_AT_ONCE)
        weights = coins[0].take(users[rows], axis=1) & coins[1].take(items[rows], axis=1)
        yield rows, weights.astype(np.float64)


class _Totals:
    """One model's sums of a few rounds, as the blocks of rows come in."""

    def __init__(self, model: ScoredRows, rounds: int) -> None:
        self.model = model
        self.columns = {**model.rows.columns, **model.columns}
        self.sums = np.zeros((rounds, len(self.columns)))
        self.table = np.zeros((rounds, model.bins.width))

    def add(self, rows: slice, weights: RowWeights) -> None:
        """Add a block of rows."""
        block = np.stack([column[rows] for column in self.columns.values()], axis=1)
        self.sums += _product(weights, block.astype(np.float64))
        codes = self.model.bins.codes[rows].astype(np.intp)
        for round_, of_round in enumerate(weights):
            self.table[round_] += np.bincount(codes, of_round, self.model.bins.width)

    def result(self) -> Weighted:
        """What the metrics are worked out from."""
        table = self.table.reshape(len(self.table), -1, 2)
        return Weighted(table, self.model.bins, dict(zip(self.columns, self.sums.T, strict=True)))


def _product(weights: RowWeights, block: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sums [rounds, columns] of a block [rows, columns] under its weights, some rows at a time."""
    rounds, rows = weights.shape
    pieces = rows // PRODUCT_ROWS
    full = pieces * PRODUCT_ROWS
    stacked = weights[:, :full].reshape(rounds, pieces, PRODUCT_ROWS).transpose(1, 0, 2)
    sums = (stacked @ block[:full].reshape(pieces, PRODUCT_ROWS, block.shape[1])).sum(axis=0)
    return np.asarray(sums + weights[:, full:] @ block[full:], np.float64)

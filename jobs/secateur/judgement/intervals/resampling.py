"""The product-weight bootstrap: users and items are drawn apart, and a row weighs the product.

In every round each user, and each item, counts double or not at all by the toss of a coin (Owen and
Eckles, AOAS 6, 2012: of all weights of mean and variance 1 these have the least fourth moment).
A row counts where both do. All models of all candidates share the rounds, so that what they share
cancels. Rows are read once, a block at a time, and summed in float64. Besides a block, memory holds
each model's bins in every round; a bit for every round, user and item lies in `scratch`.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from secateur.judgement.metrics.definitions import DEFINITIONS, summed_columns
from secateur.judgement.metrics.models import Model
from secateur.judgement.metrics.scored_rows import COLUMNS, JudgedRows, ScoredRows
from secateur.judgement.metrics.scratch import row_slices, scratch
from secateur.judgement.metrics.totals import Totals, Weighted
from secateur.judgement.metrics.user_order import Grouping, UserOrder

ROUNDS = 1000  # knows the standard error to 1 / sqrt(2 * ROUNDS) = 2 %
ROUNDS_AT_ONCE = 32  # the bits of a word
ROWS_AT_ONCE = 2**15  # their weights lie in a core's cache
# Of a larger product BLAS makes threads of its own, which wait for ours and triple the seconds.
PRODUCT_ROWS = 512

Coins = NDArray[np.uint32]  # [words, groups], a bit a round
RowWeights = NDArray[np.float64]  # [rounds, rows], 0 or 1


class _Draw(NamedTuple):
    """Some rounds of some rows: what each row weighs, and in every round those that count."""

    rounds: slice
    rows: slice
    weights: RowWeights
    counted: Sequence[NDArray[np.intp]]


class _ColumnSums:
    """Sums of some columns in every round."""

    def __init__(self, names: Sequence[str], rounds: int) -> None:
        self._names = names
        self._sums = np.zeros((rounds, len(names)))
        self._columns = np.empty((0, 0))

    def begin(self, scored: ScoredRows) -> None:
        """Take up a block of rows."""
        if self._sums.size:
            columns = [scored.column(name) for name in self._names]
            self._columns = np.stack(columns, axis=1).astype(np.float64)

    def add(self, draw: _Draw) -> None:
        """Add some rows of the block, in some rounds."""
        if self._sums.size:
            self._sums[draw.rounds] += _product(draw.weights, self._columns[draw.rows])

    def by_name(self) -> dict[str, NDArray[np.float64]]:
        """By column its sums [rounds]."""
        return dict(zip(self._names, self._sums.T, strict=True))


class ModelSums:
    """One model's sums of all rows, as they are and in every round."""

    def __init__(self, model: Model, metrics: Sequence[str], rounds: int) -> None:
        binned, names = any(DEFINITIONS[name].binned for name in metrics), summed_columns(metrics)
        self.totals = Totals(names, model.bins if binned else None)
        self._model = model
        self._own = _ColumnSums([name for name in names if name in COLUMNS], rounds)
        self._table = np.zeros((rounds, self.totals.table.size), np.uint32)
        self._codes = np.empty(0, np.intp)

    def begin(self, rows: JudgedRows, block: slice) -> None:
        """Take up a block of rows."""
        scored = self._model.block(rows, block)
        self.totals.add(scored)
        self._own.begin(scored)
        if self._table.size:
            self._codes = scored.codes

    def add(self, draw: _Draw) -> None:
        """Add some rows of the block, in some rounds."""
        self._own.add(draw)
        if self._table.size:
            codes, width = self._codes[draw.rows], self._table.shape[1]
            for round_, counted in enumerate(draw.counted, draw.rounds.start):
                in_bins = np.bincount(codes.take(counted), minlength=width)
                self._table[round_] += in_bins.astype(np.uint32)

    def all_rounds(self, of_rows: Mapping[str, NDArray[np.float64]]) -> Weighted:
        """What the metrics of all rounds are worked out from; `of_rows` are all models' columns."""
        rounds, width = self._table.shape
        table = self._table.reshape(rounds, width // 2, 2).astype(np.float64)
        return Weighted(table, self.totals.bins, {**of_rows, **self._own.by_name()})


class Summed(NamedTuple):
    """One model's totals, and by metric its value in every round [rounds]."""

    totals: Totals
    rounds: Mapping[str, NDArray[np.float64]]


def sum_rows(
    models: Sequence[Model], metrics: Sequence[str], seed: int, rounds: int = ROUNDS
) -> list[Summed]:
    """Every model's sums [models] of all rows, read once."""
    rows = models[0].rows
    groups = enumerate((rows.order.users, rows.order.items))
    coins = [_toss(group, seed, role, rounds) for role, group in groups]
    shared = _ColumnSums([name for name in summed_columns(metrics) if name not in COLUMNS], rounds)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        sums = list(pool.map(lambda model: ModelSums(model, metrics, rounds), models))
        for block in rows.order.blocks:
            at_hand = rows.by_user.part(block)
            shared.begin(models[0].block(at_hand, block))
            list(pool.map(lambda one, a=at_hand, b=block: one.begin(a, b), sums))
            for draw in _draws(rows.order, coins, block, rounds):
                list(pool.map(lambda one, d=draw: one.add(d), [shared, *sums]))
    return [_metrics_of(one, metrics, shared.by_name()) for one in sums]


def _metrics_of(
    sums: ModelSums, metrics: Sequence[str], of_rows: Mapping[str, NDArray[np.float64]]
) -> Summed:
    weighted = sums.all_rounds(of_rows)
    by_metric = {name: DEFINITIONS[name].under_weights(weighted) for name in metrics}
    return Summed(sums.totals, by_metric)


def _toss(groups: Grouping, seed: int, role: int, rounds: int) -> Coins:
    words = -(-rounds // ROUNDS_AT_ONCE)
    coins = scratch((words, len(groups.rows)), np.uint32)
    for word, of_rounds in enumerate(row_slices(rounds, ROUNDS_AT_ONCE)):
        rng = np.random.default_rng([seed, role, of_rounds.start])
        for bit in range(of_rounds.stop - of_rounds.start):
            heads = rng.integers(0, 2, len(groups.rows)).astype(np.uint32)
            coins[word] |= heads << np.uint32(bit)
    return coins


def _draws(order: UserOrder, coins: Sequence[Coins], block: slice, rounds: int) -> Iterator[_Draw]:
    """All rounds of a block's rows, some of either at a time."""
    users, items = order.users.codes[block], order.items.codes[block]
    for rows in row_slices(block.stop - block.start, ROWS_AT_ONCE):
        for word, of_rounds in enumerate(row_slices(rounds, ROUNDS_AT_ONCE)):
            both = coins[0][word].take(users[rows]) & coins[1][word].take(items[rows])
            octets = both.astype("<u4", copy=False).view(np.uint8).reshape(-1, 4)
            bits = np.unpackbits(octets, axis=1, bitorder="little")
            chosen = np.ascontiguousarray(bits.T[: of_rounds.stop - of_rounds.start])
            counted = [np.flatnonzero(of_round) for of_round in chosen.view(np.bool_)]
            yield _Draw(of_rounds, rows, chosen.astype(np.float64), counted)


def _product(weights: RowWeights, block: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sums [rounds, columns] of a block [rows, columns] under its weights, some rows at a time."""
    rounds, rows = weights.shape
    pieces = rows // PRODUCT_ROWS
    full = pieces * PRODUCT_ROWS
    stacked = weights[:, :full].reshape(rounds, pieces, PRODUCT_ROWS).transpose(1, 0, 2)
    sums = (stacked @ block[:full].reshape(pieces, PRODUCT_ROWS, block.shape[1])).sum(axis=0)
    return np.asarray(sums + weights[:, full:] @ block[full:], np.float64)

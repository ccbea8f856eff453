"""Where each of many scores stands among those of the other class: the AUC, row by row."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from secateur.auc import Labels, Scores
from secateur.contracts.errors import UsageError
from secateur.judgement.metrics.scratch import row_slices, scratch

ROW = np.uint64(2**32 - 1)  # the bits of a key that hold the row; those above hold the score

Keys = NDArray[np.uint64]


class Placed(NamedTuple):
    """The AUC, and the placement of every row [n] as `secateur.auc.placements` has it."""

    area: float
    shares: NDArray[np.float64]


def place(labels: Labels, scores: Scores) -> Placed:
    """Place float32 scores [n], of fewer than 2**32 rows, by two sorts in `scratch`.

    The counts are whole numbers, so that no sum is too large to be exact. Raises UsageError for
    more rows.
    """
    if len(labels) > ROW:
        raise UsageError(f"a split has {len(labels):,} rows; fewer than 2**32 can be judged")
    negatives, positives = keys = _sorted_keys(labels, scores)
    shares = scratch(len(labels), np.float64)
    if not (len(negatives) and len(positives)):
        shares[:] = np.nan
        return Placed(np.nan, shares)
    twice_won = 0
    for positive, own in enumerate(keys):
        others = keys[1 - positive]
        for part in row_slices(len(own)):
            twice_below = _twice_below(own[part], others)
            below = twice_below / 2 / len(others)
            shares[own[part] & ROW] = below if positive else 1 - below
            twice_won += int(twice_below.sum()) if positive else 0
    return Placed(twice_won / (2 * len(positives) * len(negatives)), shares)


def _sorted_keys(labels: Labels, scores: Scores) -> list[Keys]:
    """Of the negatives and of the positives: the score and, in the lower half, the row."""
    sizes = [0, 0]
    for part in row_slices(len(labels)):
        of_part = int(np.sum(labels[part] == 1))
        sizes = [sizes[0] + part.stop - part.start - of_part, sizes[1] + of_part]
    found, filled = [scratch(size, np.uint64) for size in sizes], [0, 0]
    for part in row_slices(len(labels)):
        rows = np.arange(part.start, part.stop, dtype=np.uint64)
        keys = (_in_order(scores[part]) << np.uint64(32)) | rows
        for positive, into in enumerate(found):
            mine = keys[(labels[part] == 1) == positive]
            into[filled[positive] : filled[positive] + len(mine)] = mine
            filled[positive] += len(mine)
    for keys in found:
        keys.sort()
    return found


def _in_order(scores: Scores) -> Keys:
    """Whole numbers below 2**32 [n] that order as the scores do."""
    bits = (scores.astype(np.float32) + np.float32(0)).view(np.uint32)  # of -0 and 0 one
    negative = bits >> 31 == 1
    return np.where(negative, ~bits, bits | np.uint32(2**31)).astype(np.uint64)


def _twice_below(own: Keys, others: Keys) -> NDArray[np.int64]:
    """Twice how many of the others lie below each of some keys [k], ties once; both are sorted."""
    lowest = own & ~ROW
    low, high = np.searchsorted(others, [lowest[0], lowest[-1] | ROW])
    window = others[low:high]
    below, with_ties = (np.searchsorted(window, keys) for keys in (lowest, lowest | ROW))
    return np.asarray(2 * low + below + with_ties, np.int64)

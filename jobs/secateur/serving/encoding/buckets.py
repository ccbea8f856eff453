"""Numbers to buckets in constant time: one look at a table instead of a bisection.

The bits of a positive double, read as a whole number, rise with it, and the first of them are its
exponent and the head of its mantissa. So `bits >> shift` is a cell of its own for every stretch of
numbers, finer where they are small. With `shift` so chosen that no cell holds two boundaries, a
number's bucket is how many boundaries lie in cells before its own, and one more if it reaches the
one inside. Bisection, of numbers that come in no order, takes a wrong branch at every second step.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]
Ids = NDArray[np.int32]

MOST_CELLS = 4096  # of one field: boundaries that are too close to each other are bisected
_MANTISSA_BITS = 52


class _Cells(NamedTuple):
    """Of cell `low` and the next ones: boundaries `before` them, and the `edge` inside, if any.

    The first one stands for all cells below it too, the last one for all above.
    """

    shift: int
    low: int
    before: Ids
    edge: Doubles


class Buckets:
    """Buckets of many fields: how many of a field's boundaries are reached; NaN is one more."""

    def __init__(self, boundaries: Sequence[Sequence[float]]) -> None:
        found = [_cells(one) for one in boundaries]
        self._bisected = {
            field: np.array([*one, np.nan])  # searchsorted places NaN after all numbers
            for field, one in enumerate(boundaries)
            if found[field] is None
        }
        cells = [one or _Cells(0, 0, np.zeros(1, np.int32), np.array([np.nan])) for one in found]
        sizes = np.array([len(one.edge) for one in cells], np.int64)
        start = np.cumsum(sizes) - sizes
        self._shift, self._offset, self._first, self._last, self._missing = (
            np.array(column, np.int64).reshape(-1, 1)
            for column in (
                [one.shift for one in cells],
                start - [one.low for one in cells],
                start,
                start + sizes - 1,
                [len(one) + 1 for one in boundaries],
            )
        )
        self._before = np.concatenate([np.zeros(0, np.int32), *(one.before for one in cells)])
        self._edge = np.concatenate([np.zeros(0), *(one.edge for one in cells)])

    def ids(self, numbers: Doubles) -> Ids:
        """Int32 ids [fields, n] of numbers [fields, n], NaN where one is missing."""
        cell = numbers.view(np.int64) >> self._shift
        cell += self._offset
        np.maximum(cell, self._first, out=cell)
        np.minimum(cell, self._last, out=cell)
        ids = self._before.take(cell)
        ids += numbers >= self._edge.take(cell)
        for field, edges in self._bisected.items():
            ids[field] = edges.searchsorted(numbers[field], side="right")
        missing = numbers != numbers  # noqa: PLR0124 - NaN
        if missing.any():
            np.copyto(ids, self._missing, where=missing, casting="same_kind")
        return ids

    @property
    def resident_bytes(self) -> int:
        """Bytes of the tables."""
        bisected = sum(edges.nbytes for edges in self._bisected.values())
        return self._before.nbytes + self._edge.nbytes + bisected


def _cells(boundaries: Sequence[float]) -> _Cells | None:
    """Cells that hold one boundary each, None where there would be too many.

    What is not positive lies in the first cell, and so may the first boundary.
    """
    first, others = (*boundaries[:1], np.nan)[0], boundaries[1:]
    if not others:
        return _Cells(0, 0, np.zeros(1, np.int32), np.array([first]))
    if min(others) <= 0:
        return None
    bits = np.array([x for x in boundaries if x > 0], np.float64).view(np.int64)
    # The highest bit in which two neighbours differ is the last one that tells them apart.
    shift = min((int(a ^ b).bit_length() - 1 for a, b in pairwise(bits)), default=_MANTISSA_BITS)
    place = bits[-len(others) :] >> max(shift, 0)
    size = int(place[-1] - place[0]) + 3
    if shift < 0 or size > MOST_CELLS:
        return None
    edge = np.full(size, np.nan)
    edge[[0, *(place - place[0] + 1)]] = boundaries
    inside = ~np.isnan(edge)
    return _Cells(shift, int(place[0]) - 1, (np.cumsum(inside) - inside).astype(np.int32), edge)

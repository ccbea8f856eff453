"""The integers of a packed table, as the floats that they stand for.

A scale that is wrong wherever it is used makes graph and reference agree on wrong scores. So each
stored number must also be the nearest to the model's own that it could be: among the multiples of
a stride, or among the words of a book.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from secateur.packaging.arrangement import Arrangement
from secateur.packaging.quantization.table_quantization import PackedTable
from secateur.serving.files.row_codes import ZERO

Doubles = NDArray[np.float64]
Floats = NDArray[np.float32]
Places = NDArray[np.int64]

CHUNK = 1 << 14  # table rows looked at together
FLOAT32 = 1e-6  # what its sums may lose of the numbers in them
TIED = 1e-3  # units by which float32 sums may tip a number that lies between two codes


@dataclass(frozen=True, eq=False)
class StoredTable:
    """An integer table [rows, dim + 1]: `packed.rows[place]` is the model's row `order[place]`."""

    packed: PackedTable
    arrangement: Arrangement

    def values(self, rows: Places) -> Doubles:
        """Float64 [n, dim + 1] stored for `rows` int64 [n] of the model."""
        places = np.argsort(self.arrangement.order)[rows]
        values: Doubles = self._units(places) * self.worth(self._blocks(places))
        return values

    def wrong_numbers(self, embedding: Floats, first_order: Floats, *, folded: bool) -> int:
        """How many numbers are not the nearest to the model's.

        Those are `embedding` float32 [rows, dim] and `first_order` float32 [rows], from which half
        the squared norm of the stored embedding is taken where it is `folded`.
        """
        wrong = 0
        for places in np.array_split(np.arange(len(embedding)), len(embedding) // CHUNK + 1):
            rows = self.arrangement.order[places]
            worth, units = self.worth(self._blocks(places)), self._units(places)
            stored = (units * worth)[:, :-1]
            norms = 0.5 * np.square(stored).sum(axis=1) * folded
            wanted = np.column_stack([embedding[rows], first_order[rows] - norms]) / worth
            stride, levels, first_stride, first_levels = self._grids(places)
            # Both may be many units that nearly cancel, of each of which float32 has seven digits.
            lost = FLOAT32 * (np.abs(first_order[rows]) + norms) / worth[:, -1]
            wrong += _far(
                units[:, -1:], wanted[:, -1:], (first_stride, first_levels), lost[:, None]
            )
            if self.packed.books:
                wrong += self._far_words(units[:, :-1], wanted[:, :-1])
            else:
                wrong += _far(units[:, :-1], wanted[:, :-1], (stride, levels))
        return wrong

    def _units(self, places: Places) -> Doubles:
        units: Doubles = self.packed.rows[places].astype(np.float64) - ZERO
        return units

    def worth(self, blocks: Places) -> Doubles:
        """What a unit of each number of these blocks [n] stands for, float64 [n, dim + 1]."""
        multipliers: Doubles = self.packed.multipliers[blocks].astype(np.float64)
        return multipliers * self.packed.steps

    def _blocks(self, places: Places) -> Places:
        return np.searchsorted(np.cumsum(self.arrangement.heights), places, side="right")

    def _grids(self, places: Places) -> NDArray[np.int64]:
        """Stride and levels of embeddings, then of the first order, int64 [4, n, 1]."""
        segments = self.packed.segments
        ends = np.cumsum([segment.rows for segment in segments])
        grids = [[s.stride, s.levels, s.first_stride, s.first_levels] for s in segments]
        return np.array(grids)[np.searchsorted(ends, places, side="right")].T[:, :, None]

    def _far_words(self, units: Doubles, wanted: Doubles) -> int:
        """How many parts of embeddings [n, dim] have a nearer word than theirs.

        Words were chosen for whole units, which lie up to half the root of a part's length away.
        """
        wrong, start = 0, 0
        for book in self.packed.books:
            part = slice(start, start := start + book.shape[1])
            words, want = book.astype(np.float64) - ZERO, wanted[:, part]
            squares = np.square(words).sum(axis=1) - 2 * want @ words.T
            nearest = squares.min(axis=1) + np.square(want).sum(axis=1)
            taken = np.linalg.norm(units[:, part] - want, axis=1)
            best = np.sqrt(np.maximum(nearest, 0))
            wrong += int((taken > best + np.sqrt(book.shape[1]) + TIED).sum())
        return wrong


def _far(
    units: Doubles,
    wanted: Doubles,
    grid: tuple[NDArray[np.int64], NDArray[np.int64]],
    lost: Doubles | float = 0.0,
) -> int:
    """How many `units` [n, columns] lie farther from the `wanted` ones than the nearest code.

    The `grid` is stride and levels [n, 1]; `lost` [n, 1] are units that `wanted` may be off by.
    """
    stride, levels = grid
    nearest = stride * np.clip(np.rint(wanted / stride), -levels, levels)
    return int((np.abs(units - wanted) > np.abs(nearest - wanted) + TIED + 2 * lost).sum())

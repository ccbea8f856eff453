"""Ids of whole numbers, all at once."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

LARGEST = 1 << 62
SPREAD = 16  # places an id: a vocabulary that is spread wider is better left to a dictionary


class NumberedIds:
    """An array with a place for every whole number from the vocabulary's least to its greatest."""

    def __init__(self, ids: Mapping[int, int], oov: int) -> None:
        least, greatest = min(ids), max(ids)
        # One more place at either end, on which all numbers beyond are cut back.
        self._before = least - 1
        self._ids = np.full(greatest - least + 3, oov, np.int32)
        self._ids[np.array(list(ids)) - self._before] = list(ids.values())

    def encode(self, numbers: NDArray[np.int64]) -> NDArray[np.int32]:
        """Int32 ids [n] of whole numbers [n]."""
        # A difference that leaves 64 bits comes back at the other end, which is OOV as well.
        return self._ids.take(numbers - self._before, mode="clip")

    @property
    def resident_bytes(self) -> int:
        """Bytes of the array."""
        return self._ids.nbytes


def numbered_ids(ids: Mapping[int, int], oov: int) -> NumberedIds | None:
    """The array, where it would not be mostly empty."""
    if not ids or max(map(abs, ids)) > LARGEST or max(ids) - min(ids) > SPREAD * len(ids):
        return None
    return NumberedIds(ids, oov)

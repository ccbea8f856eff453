"""Rows that hold from a time on, each until the next one of its key."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Times = NDArray[np.int64]


class Versions:
    """Finds the version of a key that held at a time.

    `keys` are strings [m], `starts` int64 [m], the first millisecond of each version.
    """

    def __init__(self, keys: pa.Array, starts: Times) -> None:
        self._keys = pc.unique(keys)
        self._starts = np.unique(starts)
        code = pc.index_in(keys, value_set=self._keys).to_numpy(zero_copy_only=False)
        ranked = self._rank(code, np.searchsorted(self._starts, starts, side="right"))
        self._order = np.argsort(ranked)
        self._code, self._ranked_versions = code[self._order], ranked[self._order]

    def places(self, keys: pa.Array, times: Times) -> pa.Array:
        """Int64 [n] for keys [n] and times [n]: the place among the versions, null where none
        held.
        """
        if not len(self._order):
            return pa.nulls(len(keys), pa.int64())
        code = pc.index_in(keys, value_set=self._keys).fill_null(-1).to_numpy(zero_copy_only=False)
        ranked = self._rank(code, np.searchsorted(self._starts, times, side="right"))
        last = np.searchsorted(self._ranked_versions, ranked, side="right") - 1
        held = (code >= 0) & (last >= 0) & (self._code[last] == code)
        return pa.array(self._order[last], mask=~held)

    def _rank(self, code: NDArray[np.int32], place: NDArray[np.intp]) -> Times:
        """Int64 [n], in the order of keys first and of times within a key."""
        return code.astype(np.int64) * (len(self._starts) + 1) + place

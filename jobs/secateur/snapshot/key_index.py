"""Finds a key's row among millions: 8 bytes of its hash, sorted, in a file that is memory-mapped.

A key is a text, or several texts whose combination was counted. Its first 63 bits of BLAKE2b stand
for it. That a key which is not there is taken for one of n that are has the chance n / 2^63, 1e-12
for ten million; two that are there and share their bits are refused when the file is written.
"""

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from secateur.contracts.errors import Refused

Hashes = NDArray[np.int64]
Places = NDArray[np.int64]
NO_KEY = -1  # in place of the hash of a missing key
_REMEMBERED = 1 << 16  # keys; popular items are asked for all the time


def joined_key(parts: Sequence[str]) -> str:
    """One text for the values of several columns; no two combinations have the same one."""
    return "".join([*(f"{len(part)}:{part}" for part in parts[:-1]), parts[-1]])


@lru_cache(maxsize=_REMEMBERED)
def key_hash(key: str | None) -> int:
    """The 63 bits that stand for a key; `NO_KEY` for a missing one."""
    if key is None:
        return NO_KEY
    # A text that is none in UTF-8, as JSON may spell one, is a key that nobody has.
    data = key.encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "big") >> 1


def sorted_hashes(keys: Sequence[str]) -> tuple[Hashes, Places]:
    """The rising hashes (int64 [n]) of distinct `keys` [n], and each one's place (int64 [n]).

    Raises Refused where two keys share a hash.
    """
    hashes = np.fromiter(map(key_hash.__wrapped__, keys), np.int64, len(keys))
    order = np.argsort(hashes, kind="stable").astype(np.int64)
    hashes = hashes[order]
    twice = np.flatnonzero(hashes[1:] == hashes[:-1])
    if len(twice):
        raise Refused(f"{len(twice)} pairs of keys are twice, or share the 63 bits of their hash")
    return hashes, order


class KeyIndex:
    """The rows of keys by a file of rising hashes (int64 [n])."""

    def __init__(self, file: Path) -> None:
        self._hashes: Hashes = np.load(file, mmap_mode="r", allow_pickle=False).view(np.ndarray)

    def __len__(self) -> int:
        return len(self._hashes)

    def places(self, hashes: Hashes) -> Places:
        """The row (int64 [n]) of each of `hashes` [n], -1 for one that is not there."""
        if not len(self._hashes):
            return np.full(len(hashes), -1)
        place = np.searchsorted(self._hashes, hashes)
        found = self._hashes.take(place, mode="clip") == hashes
        return place if found.all() else np.where(found, place, -1)

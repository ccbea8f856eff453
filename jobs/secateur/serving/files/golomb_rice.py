"""Whole numbers in ascending runs, stored as their gaps in Golomb-Rice code (Rice, 1979).

A gap less one is q * 2^k + r: q zeros and a one, then k bits of r. All q come first, then all r,
each padded to a whole byte, so that numpy reads them at once. For n of U evenly likely numbers that
is within some hundredths of a bit of the least, log2(U / n) + 1.44 bits a number.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]

LARGEST_BITS = 62
_RICE = range(LARGEST_BITS)


def pack_gaps(numbers: Numbers, runs: Sequence[int]) -> tuple[int, int, bytes]:
    """Pack `numbers` [n]: k that suits the gaps, the size of all q, and the bytes of q and r.

    Within each of `runs`, whose lengths sum to that of `numbers`, these rise strictly from >= 0.
    """
    gaps = np.diff(numbers, prepend=-1)
    starts = _starts(runs)
    gaps[starts] = numbers[starts] + 1
    gaps -= 1
    k = min(_RICE, key=lambda k: int((gaps >> k).sum()) + k * len(gaps))
    ends = np.cumsum((gaps >> k) + 1) - 1
    ones = np.zeros(ends[-1] + 1 if len(ends) else 0, np.uint8)
    ones[ends] = 1
    unary = np.packbits(ones).tobytes()
    rests = (gaps[:, None] >> np.arange(k)[::-1] & 1).astype(np.uint8)
    return k, len(unary), unary + np.packbits(rests).tobytes()


def size(runs: Sequence[int], k: int, unary: int) -> int:
    """How many bytes `pack_gaps` gave."""
    return unary + (sum(runs) * k + 7) // 8


def unpack_gaps(data: memoryview, runs: Sequence[int], k: int, unary: int) -> Numbers:
    """The numbers again, int64 [n]. Raises ValueError for bytes that do not fit `runs`."""
    count = sum(runs)
    if not 0 <= k < LARGEST_BITS or len(data) != size(runs, k, unary):
        raise ValueError(f"{len(data)} bytes hold no {count} numbers")
    ends = np.flatnonzero(np.unpackbits(np.frombuffer(data[:unary], np.uint8)))
    if len(ends) != count:
        raise ValueError(f"{len(ends)} numbers, expected {count}")
    bits = np.unpackbits(np.frombuffer(data[unary:], np.uint8), count=count * k)
    gaps = np.diff(ends, prepend=-1) - 1
    for place in bits.reshape(count, k).T:
        gaps = gaps << 1 | place
    numbers: Numbers = np.cumsum(gaps + 1) - 1
    starts = _starts(runs)
    before = np.repeat(numbers[starts] - gaps[starts], [run for run in runs if run])
    numbers = numbers - before
    if (numbers < 0).any() or (numbers >> LARGEST_BITS).any():
        raise ValueError("numbers are too large")
    return numbers


def _starts(runs: Sequence[int]) -> NDArray[np.int64]:
    """Int64 [runs that are not empty]: where each begins."""
    ends = np.cumsum([run for run in runs if run], dtype=np.int64)
    return np.concatenate([np.zeros(1, np.int64), ends[:-1]])[: len(ends)]

"""Arrays of a row each, which may be larger than the memory, and the rows a part at a time."""

import math
import os
import tempfile
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from secateur.contracts.errors import ScratchFull

HELD = 2**20  # bytes; a larger array lies in a file
ROWS_AT_ONCE = 2**20


def scratch(shape: int | tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """Zeros in memory or, beyond `HELD` bytes, in a mapped file of TMPDIR.

    The file has no name, so that it goes with the array, however the process ends. Its room is
    taken at once: without any a write would kill the process. Raises ScratchFull.
    """
    size = math.prod(np.atleast_1d(shape).tolist()) * np.dtype(dtype).itemsize
    if size <= HELD:
        return np.zeros(shape, dtype)
    with tempfile.TemporaryFile() as file:
        try:
            os.posix_fallocate(file.fileno(), 0, size)
        except OSError as error:
            where = tempfile.gettempdir()
            raise ScratchFull(
                f"{where} (TMPDIR) has no room for {size:,} bytes of judged rows: {error.strerror}"
            ) from error
        return np.asarray(np.memmap(file, dtype, "r+", shape=shape))


def row_slices(rows: int, at_once: int | None = None) -> Iterator[slice]:
    """All rows in their order, `ROWS_AT_ONCE` or so many at a time."""
    width = at_once or ROWS_AT_ONCE
    for start in range(0, rows, width):
        yield slice(start, min(start + width, rows))

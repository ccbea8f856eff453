"""What a serving process grows by when it loads a package and answers a request."""

import ctypes
import gc
import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from secateur.judgement.scoring.client_scoring import ClientScorer, RawColumns

Load = Callable[[Path], ClientScorer]


def resident_bytes(load: Load, folders: Sequence[Path], columns: RawColumns) -> list[int]:
    """Growth of the resident set of one fresh process a folder, its imports not counted.

    `load` must be importable by name. What the runtime keeps for itself is included: it is
    resident in a service too. For Linux with glibc.
    """
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(len(folders), mp_context=fresh, max_tasks_per_child=1) as pool:
        return list(pool.map(_growth, *zip(*((load, f, columns) for f in folders), strict=True)))


def _growth(load: Load, folder: Path, columns: RawColumns) -> int:
    before = _resident()
    scorer = load(folder)
    scorer.score(columns, hashed=True)
    return _resident() - before


def _resident() -> int:
    """Bytes in memory, after glibc gave back what it keeps of freed blocks: that varies by 20 %."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")

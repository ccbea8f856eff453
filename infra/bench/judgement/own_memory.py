"""The memory of this process while something runs in it, sampled by a thread."""

import ctypes
import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PERIOD_S = 0.1
PROC = Path("/proc/self")


@dataclass
class OwnMemory:
    """Bytes: what was added at most that no file holds, and the room of nameless mapped files."""

    anonymous: int = 0
    scratch: int = 0


@contextmanager
def watch_memory() -> Iterator[OwnMemory]:
    """Watch a block; Linux only, see proc(5)."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # what was freed before would hide what is taken
    found, before, ended = OwnMemory(), _anonymous(), threading.Event()

    def sample() -> None:
        while not ended.wait(PERIOD_S):
            found.anonymous = max(found.anonymous, _anonymous() - before)
            found.scratch = max(found.scratch, _scratch())

    watcher = threading.Thread(target=sample)
    watcher.start()
    try:
        yield found
    finally:
        ended.set()
        watcher.join()


def _anonymous() -> int:
    status = (PROC / "status").read_text().splitlines()
    (line,) = (line for line in status if line.startswith("RssAnon:"))
    return int(line.split()[1]) << 10


def _scratch() -> int:
    spans = [
        line.split()[0].split("-")
        for line in (PROC / "maps").read_text().splitlines()
        if line.endswith("(deleted)")
    ]
    return sum(int(end, 16) - int(start, 16) for start, end in spans)

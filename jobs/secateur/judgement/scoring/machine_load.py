"""How much of a machine others used while something was timed."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

IDLE = (3, 4)  # fields of /proc/stat: idle, and waiting for a disk; see proc(5)
FIELDS = 8  # guests' time is counted among users'
STAT = Path("/proc/stat")


@dataclass
class MachineLoad:
    """The share of all CPUs, 0 to 1, that other processes used; None where Linux does not say."""

    of_others: float | None = None


@contextmanager
def watch_load() -> Iterator[MachineLoad]:
    """Watch the machine during a block; its answer is there once the block is left."""
    found, before, ours = MachineLoad(), _ticks(), sum(os.times()[:2])
    yield found
    after, own = _ticks(), sum(os.times()[:2]) - ours
    if before and after and after[0] > before[0]:
        total, busy = after[0] - before[0], after[1] - before[1]
        others = busy - own * os.sysconf("SC_CLK_TCK")
        found.of_others = min(max(others / total, 0.0), 1.0)


def _ticks() -> tuple[int, int] | None:
    """Clock ticks of all CPUs since the start, and those that were not idle."""
    try:
        line = STAT.read_text().partition("\n")[0]
    except OSError:
        return None
    ticks = [int(number) for number in line.split()[1 : 1 + FIELDS]]
    return sum(ticks), sum(ticks) - sum(ticks[i] for i in IDLE)

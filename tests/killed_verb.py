"""Kill -9 a verb of a night in the midst of its work."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

WARM_UP_S = 1.5  # of CPU, for the imports; the trainer then needs three seconds more


def kill_verb(verb: str, runs: Path, wait_until: Callable[..., None]) -> None:
    """Kill -9 the verb's process of a run below `runs` in the midst of its work."""

    def victim() -> int | None:
        for entry in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                command = entry.read_bytes().split(b"\0")
            except OSError:
                continue
            output = Path(os.fsdecode(command[-2])) if len(command) > 2 else Path()
            ours = runs in output.parents and any(
                a.endswith(f"/{verb}.py".encode()) for a in command
            )
            if ours and cpu_seconds(entry.parent) > WARM_UP_S:
                return int(entry.parent.name)
        return None

    found: list[int | None] = []

    def seen() -> bool:
        found.append(victim())
        return found[-1] is not None

    wait_until(seen, period_s=0.05)
    pid = found[-1]
    assert pid is not None
    os.kill(pid, signal.SIGKILL)


def cpu_seconds(process: Path) -> float:
    fields = (process / "stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

"""Start a verb, kill -9 it at a moment of its work, and see that nothing of it lives on."""

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage

GONE_S = 15.0
END_S = 120.0  # after its Java went
LOOK_S = 0.002
Moment = Callable[[int], bool]  # of the number of the verb's session


def run_to_its_end(command: Sequence[str], environment: Mapping[str, str]) -> float:
    """Run a verb; gives the processor's seconds that it and all that it started took."""
    before = getrusage(RUSAGE_CHILDREN)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    after = getrusage(RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def kill_at(command: Sequence[str], environment: Mapping[str, str], moment: Moment) -> bool:
    """Kill -9 a verb's own process at a moment; False where it had ended before.

    Raises AssertionError where a process that it started is alive 15 s later.
    """
    process = subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    while process.poll() is None and not moment(process.pid):
        time.sleep(LOOK_S)
    if process.poll() is None:
        os.kill(process.pid, signal.SIGKILL)
    killed = process.wait() == -signal.SIGKILL
    assert_gone(process.pid)
    return killed


def kill_java_at(
    command: Sequence[str], environment: Mapping[str, str], moment: Moment
) -> str | None:
    """Kill -9 the Java that a verb started; its last line, or None where it ended well before.

    Raises TimeoutExpired where it does not end by itself, AssertionError where something lives on.
    """
    with tempfile.TemporaryFile("w+") as told:
        process = subprocess.Popen(
            command, env=environment, stdout=told, stderr=told, start_new_session=True
        )
        while process.poll() is None and not (moment(process.pid) and java_of(process.pid)):
            time.sleep(LOOK_S)
        for java in java_of(process.pid):
            os.kill(java, signal.SIGKILL)
        failed = process.wait(END_S)
        assert_gone(process.pid)
        told.seek(0)
        return told.read().splitlines()[-1] if failed else None


def java_of(session: int) -> list[int]:
    """The numbers of a session's Java processes that live."""
    return [
        pid for pid, name, fields in processes_of(session) if name == "java" and fields[0] != "Z"
    ]


def assert_gone(session: int) -> None:
    """Nothing of a session lives on."""
    deadline = time.monotonic() + GONE_S
    while left := alive(session):
        assert time.monotonic() < deadline, f"left behind: {left}"
        time.sleep(0.1)


def alive(session: int) -> list[str]:
    """The names of a session's processes, those aside that have ended."""
    return [name for _, name, fields in processes_of(session) if fields[0] != "Z"]


def after(seconds: float) -> Moment:
    """The moment at which a verb has taken so many of the processor's seconds."""
    ticks = seconds * os.sysconf("SC_CLK_TCK")
    return lambda session: sum(map(ticks_of, processes_of(session))) > ticks


def ticks_of(process: tuple[int, str, list[str]]) -> int:
    """What a process and its children that have ended took of the processor."""
    return sum(map(int, process[2][11:15]))


def processes_of(session: int) -> list[tuple[int, str, list[str]]]:
    """The number, name and fields, from the state on (proc(5)), of a session's processes."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            head, _, rest = stat.read_text().rpartition(")")
        except OSError:  # it has just ended
            continue
        if int(rest.split()[3]) == session:
            found.append((int(stat.parent.name), head.partition("(")[2], rest.split()))
    return found


def first_file_below(folder: Path) -> Moment:
    """The moment at which the first file of an artifact is there."""
    before = set(folder.rglob("*"))

    def moment(_session: int) -> bool:
        try:
            now = {path for path in folder.rglob("*") if path.is_file()}
        except OSError:  # a folder went while it was listed
            return False
        return bool({path for path in now - before if path.name != ".unsealed"})

    return moment

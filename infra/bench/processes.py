"""Verbs as processes of their own, as a night runs them: what they seal, and what they cost."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from secateur.contracts.manifest import MANIFEST

PROJECT = Path(__file__).parents[2]
# A key of the benchmarks' own: the hashes of user ids are the same at every run.
ID_KEY = {"SECATEUR_ID_KEY": "a key for benchmarks, of no secret"}
PERIOD_S = 0.2


@dataclass(frozen=True)
class Cost:
    """One process with all its children: seconds of wall time, peak resident bytes."""

    name: str
    seconds: float
    peak_bytes: int


def run(
    name: str,
    command: Sequence[str],
    environment: Mapping[str, str] | None = None,
    accepted: Sequence[int] = (0,),
) -> Cost:
    """Run a process in a session of its own and watch the memory of that session.

    Ends the benchmark where the exit code is not an `accepted` one.
    """
    started, peak = time.monotonic(), 0
    whole = service_environment(environment or {})
    with subprocess.Popen(command, env=whole, start_new_session=True) as process:
        while process.poll() is None:
            peak = max(peak, resident_bytes(process.pid))
            time.sleep(PERIOD_S)
    if process.returncode not in accepted:
        raise SystemExit(f"{name} ended with {process.returncode}")
    return Cost(name, time.monotonic() - started, peak)


def service_environment(more: Mapping[str, str]) -> dict[str, str]:
    """The environment of a process of ours, with `more`."""
    path = f"{PROJECT / 'jobs'}:{PROJECT / 'infra'}"
    return {**os.environ, **ID_KEY, "PYTHONPATH": path, **more}


def resident_bytes(session: int) -> int:
    """Resident memory of all processes of a session, by /proc/PID/stat (see proc(5)).

    A page that two processes share counts twice.
    """
    pages = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            after_name = stat.read_text().rpartition(")")[2].split()
        except OSError:  # it has just ended
            continue
        if int(after_name[3]) == session:
            pages += int(after_name[21])
    return pages * os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class VerbRunner:
    """Runs verbs of one scenario below one folder, with values set on the command line."""

    scenario: str
    folder: Path
    settings: tuple[str, ...] = ()

    def run(
        self,
        verb: str,
        inputs: Mapping[str, str],
        output: str,
        *more_flags: str,
        environment: Mapping[str, str] | None = None,
        accepted: Sequence[int] = (0,),
    ) -> Cost:
        """Run a verb; `inputs` are folders by flag, and like `output` named below `self.folder`."""
        flags = [f"--{flag}={self.folder / place}" for flag, place in inputs.items()]
        flags += [f"--set={setting}" for setting in self.settings]
        command = [
            sys.executable,
            str(PROJECT / "jobs" / f"{verb}.py"),
            f"--scenario={self.scenario}",
            *flags,
            *more_flags,
            f"--output={self.folder / output}",
        ]
        name = f"{verb}[{Path(output).name}]" if "/" in output else verb
        return run(name, command, environment, accepted)

    def seal(self, verb: str, inputs: Mapping[str, str], output: str) -> None:
        """Run a verb unless its output is sealed already."""
        if not (self.folder / output / MANIFEST).exists():
            self.run(verb, inputs, output)

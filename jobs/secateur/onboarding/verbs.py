"""The night's verbs up to the dense model, each a process, as Airflow would run them."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from secateur.contracts.errors import SecateurError, UsageError
from secateur.identity import ID_KEY
from secateur.scenario import PROJECT

# The hashes of user ids are the same at every trial. What is published has a secret key.
TRIAL_KEY = "a key for trials, of no secret at all"
DENSE = "dense"
LOGS = "logs"
CHAIN: tuple[tuple[str, tuple[tuple[str, str], ...], str], ...] = (
    ("clean_events", (), "events"),
    ("validate_events", (("events", "events"),), "events_report"),
    ("build_features", (("events", "events"), ("validation", "events_report")), "features"),
    ("validate_features", (("features", "features"),), "features_report"),
    ("train_model", (("features", "features"), ("validation", "features_report")), DENSE),
)


@dataclass(frozen=True)
class Finished:
    """A verb that ended: seconds it took, its exit code, and the last thing it said."""

    verb: str
    seconds: float
    exit_code: int
    last_words: str


class VerbFailed(SecateurError):
    """A verb refused or crashed; its exit code is the trial's."""

    def __init__(self, finished: Finished, log: Path) -> None:
        super().__init__(f"{finished.verb}: {finished.last_words} (all of it: {log})")
        self.exit_code = finished.exit_code


def run_chain(scenario: Path, run: Path, settings: Sequence[str]) -> Iterator[Finished]:
    """Run verb after verb below the folder `run`, each seen as soon as it ends.

    Raises VerbFailed at the first that does not end well, UsageError outside a checkout.
    """
    jobs = PROJECT / "jobs"
    if not (jobs / "train_model.py").is_file():
        raise UsageError(f"a trial runs the verbs of a checkout, and {jobs} holds none")
    (run / LOGS).mkdir(exist_ok=True)
    key = os.environ.get(ID_KEY, TRIAL_KEY)
    environment = {**os.environ, ID_KEY: key, "PYTHONPATH": str(jobs)}
    for verb, inputs, output in CHAIN:
        flags = [f"--{flag}={run / place}" for flag, place in inputs]
        flags += [f"--set={setting}" for setting in settings]
        command = [sys.executable, str(jobs / f"{verb}.py"), f"--scenario={scenario}", *flags]
        log = run / LOGS / f"{verb}.log"
        started = time.monotonic()
        with log.open("w") as file:
            code = subprocess.run(
                [*command, f"--output={run / output}"],
                env=environment,
                stdout=file,
                stderr=subprocess.STDOUT,
                check=False,
            ).returncode
        finished = Finished(verb, time.monotonic() - started, code, _last_words(log))
        yield finished
        if code:
            raise VerbFailed(finished, log)


def _last_words(log: Path) -> str:
    """What a verb says of its end: from its last line of an error on, else its last line."""
    lines = log.read_text(errors="replace").splitlines()
    errors = [number for number, line in enumerate(lines) if " E secateur: " in line]
    told = lines[errors[-1] :] if errors else lines[-1:]
    return "\n".join(told).partition(" E secateur: ")[2] or "\n".join(told)

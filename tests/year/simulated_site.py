"""A site of one scenario: its log, state and store, and the verbs that work on them, really run."""

import contextlib
import gzip
import json
import runpy
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import (
    AirflowFailException,
    AirflowRescheduleException,
    AirflowSkipException,
)

from secateur import artifacts
from secateur.contracts.data import Profile, ValidationReport
from secateur.contracts.errors import StoreError
from secateur.contracts.judgement import Verdict
from secateur.contracts.manifest import MadeBy
from secateur.releases import signing
from secateur.releases.catalogue import Catalogue
from secateur.releases.pulling import PulledRelease, pull
from secateur.releases.signing import Trust
from secateur.storage.local import FileStore
from secateur_airflow.verb import NothingNewSkip, raise_for_exit
from small_log import SCENARIO
from small_package import KEY
from small_package import sealed as seal_package

from .simulated_clock import SimulatedClock

JOBS = Path(artifacts.__file__).parents[1]
NAME = "small"
WINDOW_DAYS = 5
VALID_DAYS = 3
DELIVERY_HOURS = 6
DEADLINE_HOURS = 20
SETTINGS = f"""
delivery_hours = {DELIVERY_HOURS}
deadline_hours = {DEADLINE_HOURS}
[release]
valid_days = {VALID_DAYS}
"""
BY = MadeBy("by hand", "0")


class Killed(BaseException):
    """What a process does not survive."""


@dataclass(frozen=True)
class Ended:
    """How a verb ended, as the operator would tell Airflow: done, waiting, skipped, nothing new,
    failed, or crashed; with what it answered."""

    state: str
    answer: dict[str, object] = field(default_factory=dict)


class WriteFaults:
    """Dies at a storage write of a verb, done or not done; or, with the store `away`, does none."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.dies_at, self.after, self.away, self._writes = 0, False, False, 0
        for name in ("put", "put_new", "put_file", "touch", "swap", "delete"):
            patch.setattr(FileStore, name, self._watched(getattr(FileStore, name)))

    def arm(self, write: int, after: bool) -> None:
        """Let the `write`-th write from now on be the last, 0 for none."""
        self.dies_at, self.after, self._writes = write, after, 0

    def _watched(self, method: Callable[..., None]) -> Callable[..., None]:
        nested: list[str] = []  # `swap` puts, too, and is one write

        def write(store: FileStore, *args: Any, **named: Any) -> None:
            if self.away:
                raise StoreError("the store is away")
            if nested or not self.dies_at:
                method(store, *args, **named)
                return
            self._writes += 1
            last = self._writes == self.dies_at
            if last and not self.after:
                raise Killed
            nested.append("")
            try:
                method(store, *args, **named)
            finally:
                nested.pop()
            if last:
                raise Killed

        return write


class Site:
    """The log at `folder`/log, what nights leave at runs and state, and the store."""

    def __init__(self, folder: Path, clock: SimulatedClock, patch: pytest.MonkeyPatch) -> None:
        self.folder, self.clock, self._patch = folder, clock, patch
        self.runs, self.state = folder / "runs", folder / "state" / NAME
        self.store = (folder / "store").as_uri()
        self.uri = f"{self.store}/{NAME}"
        self.faults = WriteFaults(patch)
        seed = signing.new_seed()
        patch.setenv("SECATEUR_SIGNING_KEY", seed)
        patch.setenv("SECATEUR_VERIFY_KEY", signing.Signer.of(seed).public)
        patch.setenv("SECATEUR_ID_KEY", KEY)
        self._model, _ = seal_package(folder / "model", 1)
        self._write_scenario()

    def _write_scenario(self) -> None:
        head, _, rest = SCENARIO.format(uri=self.folder / "log").partition("[logs]")
        top, release = SETTINGS.split("[release]")
        logs = f'[logs]\nmarker = "_SUCCESS"{rest}'.replace(
            "window_days = 6", f"window_days = {WINDOW_DAYS}", 1
        )
        self.scenario = self.folder / "small.toml"
        self.scenario.write_text(f"{head}{top}{logs}\n[release]{release}")
        side = self.folder / "log" / "items.csv.gz"
        side.parent.mkdir(parents=True)
        side.write_bytes(gzip.compress(b"item,author,length\n1,a,10\n", mtime=0))

    def write_day(self, day: str, rows: str = "some rows", whole: bool = True) -> None:
        """Deliver a day's file, and with `whole` the marker that says so."""
        folder = self.folder / "log" / "events" / f"date={day}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "log.csv.gz").write_bytes(gzip.compress(f"{day} {rows}\n".encode(), mtime=0))
        if whole:
            (folder / "_SUCCESS").touch()

    def run(self, verb: str, *flags: str, output: Path) -> Ended:
        """Run a verb as its task would, and settle its exit code as the operator does."""
        answer = self.folder / "answer.json"
        answer.unlink(missing_ok=True)
        self._patch.setenv("SECATEUR_ANSWER", str(answer))
        line = [verb, f"--scenario={self.scenario}", *flags, f"--output={output}"]
        self._patch.setattr("sys.argv", line)
        try:
            runpy.run_path(str(JOBS / f"{verb}.py"), run_name="__main__")
            code = 0
        except SystemExit as left:
            code = int(left.code or 0)
        except Killed:
            code = -9
        finally:
            self.faults.arm(0, False)
        told = json.loads(answer.read_text()) if answer.exists() else {}
        return Ended(settled(verb, code), told)

    def seal_night(self, run: Path, days: tuple[str, ...], sound: bool, accepted: bool) -> str:
        """What a night's heavy tasks leave, made by hand; the chosen package's digest.

        A report on the events, a dense model, a package of a real model and the verdict on it.
        """
        with artifacts.create(str(run / "events_report"), "ValidationReport") as draft:
            draft.write("report.json", ValidationReport("e" * 64, sound, 1, ()))
            draft.write("profile.json", Profile(len(days), 0.5, dict.fromkeys(days, 1)))
            draft.seal(BY, {}, {})
        with artifacts.create(str(run / "dense"), "ModelBundle") as draft:
            draft.write("spec.json", {"run": run.name})
            draft.seal(BY, {}, {})
        for day in days:
            with artifacts.create(
                str(self.state / "clean_events" / day / run.name), "Day"
            ) as draft:
                draft.write("day.json", {"day": day})
                draft.seal(BY, {}, {})
        return self._seal_candidate(run, accepted)

    def _seal_candidate(self, run: Path, accepted: bool) -> str:
        with artifacts.create(str(run / "candidates" / "tiny" / "package"), "Package") as draft:
            for entry in self._model.manifest.files:
                target = draft.folder / entry.path
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(self._model.file(entry.path), target)
            (draft.folder / "model_card.md").write_text(f"# The night of {run.name}\n")
            draft.seal(BY, {}, dict(self._model.manifest.facts))
        package = artifacts.open_artifact(draft.uri, "Package")
        with artifacts.create(str(run / "verdict"), "Verdict") as draft:
            reason = "confirmed" if accepted else "too inaccurate"
            found = (package.digest, "d" * 64, 10**6, 0.01, 0.01, None, ())
            draft.write("verdict.json", Verdict(accepted, reason, "tiny", *found))
            draft.seal(BY, {}, {})
        return package.digest

    def pull(self) -> PulledRelease:
        """What a service gets."""
        return pull(self.uri, "latest", cache=self.folder / "cache")

    def catalogue(self) -> Catalogue:
        """What is published, as whoever keeps the store sees it."""
        return Catalogue.at(self.uri, Trust.of())


def settled(verb: str, code: int) -> str:
    """The state of a task whose verb left with this code, by the plugin's own rule."""
    try:
        raise_for_exit(verb, code, "its last words")
    except NothingNewSkip:
        return "nothing new"
    except AirflowSkipException:
        return "skipped"
    except AirflowRescheduleException:
        return "waiting"
    except AirflowFailException:
        return "failed"
    except Exception:
        return "crashed"
    return "done"


@contextlib.contextmanager
def a_site(folder: Path, clock: SimulatedClock) -> Iterator[Site]:
    """A site whose verbs and files live by `clock`."""
    with pytest.MonkeyPatch.context() as patch:
        clock.install(patch)
        yield Site(folder, clock, patch)

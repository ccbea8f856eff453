"""What every day counted, kept from night to night: one sealed `CountDay` a day."""

import logging
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyarrow.parquet as pq
from pyspark.sql import DataFrame

from secateur.artifacts import Artifact, Draft
from secateur.contracts import record
from secateur.contracts.artifact_files import DAY_FOLDER, EVENTS, SIDES, part_name
from secateur.features.days.arrow_days import on_days
from secateur.features.days.event_window import EventWindow
from secateur.features.history.daily_counts import CountDay, tallies
from secateur.kept_days import KeptDays
from secateur.scenario import Features, Logs
from secateur.spark import read_parquet

_FILE = part_name(0)

log = logging.getLogger("secateur")


@dataclass(frozen=True)
class DailyCounts:
    """The counts of every day, in the files of its CountDay."""

    window: EventWindow
    files: Mapping[str, Path]

    @property
    def rows(self) -> int:
        """How many there are."""
        return sum(pq.read_metadata(file).num_rows for file in self.files.values())

    def frame(self) -> DataFrame:
        """Rows of `daily_counts.COUNTS`."""
        return read_parquet(self.window.spark, list(self.files.values()))


def count_days(root: str, events: Artifact, features: Features, logs: Logs) -> KeptDays:
    """The CountDays of an EventSet's days.

    A day's counts depend on its event files, the side tables, and what is counted.
    """

    def inputs(day: str) -> dict[str, str]:
        folders = (f"{EVENTS}/{DAY_FOLDER}{day}/", f"{SIDES}/")
        files = events.manifest.files
        digests = {f.path: f.sha256 for f in files if f.path.startswith(folders)}
        counted = {
            "tallies": tallies(features, logs),
            "fields": [spec.model_dump(mode="json") for spec in features.fields],
            "timezone": logs.timezone,
            "sides": [side.model_dump(mode="json") for side in logs.sides],
        }
        return digests | {"counted": record.digest(counted)}

    return KeptDays(root, "build_features", "CountDay", inputs)


@contextmanager
def daily_counts(window: EventWindow, features: Features, kept: KeptDays) -> Iterator[DailyCounts]:
    """The counts of every day of the window; those that are not kept are counted in one job."""
    found = {day: kept.find(day) for day in window.days}
    missing = [day for day, counts in found.items() if counts is None]
    log.info("counting %d days, %d are kept", len(missing), len(found) - len(missing))
    with tempfile.TemporaryDirectory(prefix="secateur-") as scratch:
        work = CountDay(features, window.logs, Path(scratch))
        days = [window.day(name) for name in missing]
        on_days(window.spark, days, work)
        for day in days:
            found[day.name] = kept.keep(day.name, partial(_move, work.file(day)))
        yield DailyCounts(window, {day: a.folder / _FILE for day, a in found.items() if a})


def _move(counts: Path, draft: Draft) -> None:
    shutil.move(counts, draft.folder / _FILE)

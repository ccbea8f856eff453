"""What every day counted, kept from night to night: one sealed `CountDay` a day.

A CountDay lies at `<state>/build_features/<day>/<key>`, where the key is a digest of all that its
counts depend on: the day's event files, the side tables, what is counted, and the code. So a kept
day is either exactly right or not found. Nothing but time depends on it: without it, or with any
part of it deleted, the same FeatureSet comes out.
"""

import logging
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow.parquet as pq
from pyspark.sql import DataFrame

from secateur.artifacts import Artifact, create, open_artifact
from secateur.command import code_digest
from secateur.contracts import record
from secateur.contracts.errors import ArtifactError, CorruptArtifact
from secateur.contracts.manifest import MadeBy
from secateur.features.days.arrow_days import on_days
from secateur.features.days.event_window import EventWindow
from secateur.features.history.daily_counts import CountDay, tallies
from secateur.scenario import Features, Logs
from secateur.spark import read_parquet
from secateur.storage import join

KIND = "CountDay"
VERB = "build_features"
_FILE = "part-00000.parquet"

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
        """Rows of `counting.COUNTS`."""
        return read_parquet(self.window.spark, list(self.files.values()))


@dataclass(frozen=True)
class DayStore:
    """The CountDays at the URI `root` of one EventSet's days."""

    root: str
    events: Artifact
    features: Features
    logs: Logs
    code: str = field(default_factory=code_digest)

    def uri(self, day: str) -> str:
        """Where the counts of this day lie, if they do."""
        return join(self.root, VERB, day, record.digest(self._made_from(day)))

    def find(self, day: str) -> Artifact | None:
        """The kept counts of a day; None where there are none, or a byte of them is not right."""
        try:
            return open_artifact(self.uri(day), KIND)
        except CorruptArtifact as error:
            log.warning("counts of %s are corrupt and counted again: %s", day, error)
        except ArtifactError:
            pass  # never counted, or not to the end
        return None

    def keep(self, day: str, counts: Path) -> Artifact:
        """Seal a day's counts, a written file."""
        with create(self.uri(day), KIND) as draft:
            shutil.move(counts, draft.folder / _FILE)
            draft.seal(MadeBy(VERB, self.code), self._made_from(day), {"day": day})
        return open_artifact(self.uri(day), KIND)

    def _made_from(self, day: str) -> dict[str, str]:
        """Digests of all that a day's counts depend on, by role."""
        folders = (f"events/date={day}/", "sides/")
        files = self.events.manifest.files
        digests = {f.path: f.sha256 for f in files if f.path.startswith(folders)}
        counted = {
            "tallies": tallies(self.features, self.logs),
            "fields": [spec.model_dump(mode="json") for spec in self.features.fields],
            "sides": [side.model_dump(mode="json") for side in self.logs.sides],
        }
        return digests | {"counted": record.digest(counted), "code": self.code}


@contextmanager
def daily_counts(window: EventWindow, store: DayStore) -> Iterator[DailyCounts]:
    """The counts of every day of the window; those that are not kept are counted in one job."""
    found = {day: store.find(day) for day in window.days}
    missing = [day for day, kept in found.items() if kept is None]
    log.info("counting %d days, %d are kept", len(missing), len(found) - len(missing))
    with tempfile.TemporaryDirectory(prefix="secateur-") as scratch:
        work = CountDay(store.features, store.logs, Path(scratch))
        days = [window.day(name) for name in missing]
        on_days(window.spark, days, work)
        found |= {day.name: store.keep(day.name, work.file(day)) for day in days}
        yield DailyCounts(window, {day: a.folder / _FILE for day, a in found.items() if a})

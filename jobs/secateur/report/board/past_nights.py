"""The nights of a scenario as their run folders tell them, the newest first."""

import re
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime

from secateur.contracts.manifest import MANIFEST
from secateur.report.night_artifacts import Night, read_night
from secateur.storage import join, open_store

RUN = re.compile(r"(\d{8}T\d{6})-[0-9a-f]{6}", re.ASCII)  # as Airflow's side names a run's folder
REPORT = "report"


@dataclass(frozen=True)
class RunFolder:
    """One run: its folder's name, the UTC time that it was due, and when it sealed what."""

    name: str
    due: datetime
    sealed: dict[str, float]  # seconds since 1970, by the artifact's path

    @property
    def has_report(self) -> bool:
        """Whether the run came to its end."""
        return REPORT in self.sealed

    @property
    def seconds(self) -> float | None:
        """From its first seal to its last, the report aside, which may be written again."""
        times = [at for path, at in self.sealed.items() if path != REPORT]
        return max(times) - min(times) if len(times) > 1 else None


@dataclass(frozen=True)
class PastNight:
    """A run and what it left."""

    folder: RunFolder
    night: Night


def run_folders(runs: str) -> list[RunFolder]:
    """Every run below the URI `runs`, the newest first; other folders are passed over."""
    sealed: dict[str, dict[str, float]] = defaultdict(dict)
    for entry in open_store(runs).entries():
        run, _, path = entry.key.partition("/")
        if path and RUN.fullmatch(run):
            artifact, _, name = path.rpartition("/")
            sealed[run] |= {artifact: entry.modified} if name == MANIFEST else {}
    return [RunFolder(run, _due(run), sealed[run]) for run in sorted(sealed, reverse=True)]


def past_nights(runs: str, most: int) -> list[PastNight]:
    """The newest nights, `most` of them."""
    folders = run_folders(runs)[:most]
    return [PastNight(one, read_night(join(runs, one.name))) for one in folders]


def _due(run: str) -> datetime:
    return datetime.strptime(run.partition("-")[0], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)

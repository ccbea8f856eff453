"""Which files are a log's events, and how its folders are laid out: told by their names."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from secateur.contracts.errors import UsageError
from secateur.scenario.loading import PROJECT

Layout = Literal["day", "hour", "flat"]

_DAY, _HOUR = re.compile(r"date=\d{4}-\d{2}-\d{2}"), re.compile(r"hour=\d{2}")
_EVENTS = "events"


@dataclass(frozen=True)
class LogFiles:
    """The files of a log's events, oldest folder first, and where they lie.

    `root` is the log's folder, `events` the folder in it that holds the event files. `others` are
    files of a flat folder besides the one that was asked for.
    """

    root: Path
    events: str
    layout: Layout
    files: tuple[Path, ...]
    others: tuple[Path, ...] = ()

    @property
    def uri(self) -> str:
        """The log's folder as a scenario names it: relative to the project where it lies in it."""
        within = self.root.is_relative_to(PROJECT)
        return str(self.root.relative_to(PROJECT) if within else self.root)

    @property
    def folder(self) -> Path:
        """The folder of the events."""
        return self.root / self.events

    @property
    def days(self) -> tuple[str, ...]:
        """The days that folders are named by, in order."""
        names = {part for file in self.files for part in file.relative_to(self.folder).parts}
        return tuple(sorted(n.removeprefix("date=") for n in names if _DAY.fullmatch(n)))

    def spread(self, most: int) -> tuple[Path, ...]:
        """At most so many of the files, evenly from the first to the last."""
        count = min(most, len(self.files))
        places = {round(n * (len(self.files) - 1) / max(count - 1, 1)) for n in range(count)}
        return tuple(self.files[place] for place in sorted(places))


def find_log(path: Path) -> LogFiles:
    """The log that `path` is, or is a file or a folder of. Raises UsageError where it has no file.

    Of a flat folder with a file that was asked for, that file alone is taken.
    """
    path = path.absolute()
    if path.is_dir():
        return _in_folder(path)
    if not path.is_file():
        raise UsageError(f"{path}: no such file or folder")
    folder, layout = _above_partitions(path.parent)
    if layout == "flat":
        others = tuple(file for file in data_files(folder) if file != path)
        return LogFiles(folder.parent, folder.name, layout, (path,), others)
    return LogFiles(folder.parent, folder.name, layout, _files_of_days(folder))


def _in_folder(path: Path) -> LogFiles:
    """A folder of events, of one of its partitions, or one that holds `events/`."""
    folder, _ = _above_partitions(path)
    if folder == path and (path / _EVENTS).is_dir():
        folder = path / _EVENTS
    partitioned = _files_of_days(folder)
    files = partitioned or tuple(data_files(folder))
    if not files:
        raise UsageError(f"{path}: no file of a log below it")
    return LogFiles(folder.parent, folder.name, _layout(files), files)


def _above_partitions(folder: Path) -> tuple[Path, Layout]:
    """The folder of the events, and their layout, from the folder of one of their files."""
    layout: Layout = "flat"
    if _HOUR.fullmatch(folder.name) and _DAY.fullmatch(folder.parent.name):
        folder, layout = folder.parent, "hour"
    if _DAY.fullmatch(folder.name):
        folder, layout = folder.parent, "day" if layout == "flat" else layout
    return folder, layout


def _layout(files: Sequence[Path]) -> Layout:
    return _above_partitions(files[0].parent)[1]


def _files_of_days(folder: Path) -> tuple[Path, ...]:
    days = (day for day in folder.iterdir() if day.is_dir() and _DAY.fullmatch(day.name))
    return tuple(file for day in sorted(days) for file in data_files(day))


def data_files(folder: Path) -> Iterator[Path]:
    """All files below a folder, in order; a name that begins with _ or . is no data."""
    for file in sorted(folder.rglob("*")):
        parts = file.relative_to(folder).parts
        if file.is_file() and not any(part.startswith(("_", ".")) for part in parts):
            yield file

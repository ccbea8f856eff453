"""Which files are a log's events, and how its folders are laid out: told by their names."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from secateur.contracts.errors import UsageError
from secateur.scenario.loading import PROJECT
from secateur.scenario.raw_log.file_days import day_and_hour, pattern_of
from secateur.storage import FileStore

Layout = Literal["day", "hour", "flat"]

_DAY, _HOUR = re.compile(r"date=\d{4}-\d{2}-\d{2}"), re.compile(r"hour=\d{2}")
_EVENTS = "events"
_HIDDEN = ("_", ".")
_TEMPORARY = (".crc", ".tmp", "._copying_")


@dataclass(frozen=True)
class LogFiles:
    """The files of a log's events, oldest folder first, and where they lie.

    `root` is the log's folder, `events` the folder in it that holds the event files. `others` are
    files of a flat folder besides the one that was asked for, or those of no day.
    """

    root: Path
    events: str
    layout: Layout
    files: tuple[Path, ...]
    others: tuple[Path, ...] = ()
    file_names: str | None = None  # the pattern by which names tell days, where folders do not

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
        return tuple(sorted({day for file in self.files if (day := self.told_of(file)[0])}))

    def told_of(self, file: Path) -> tuple[str | None, str | None]:
        """The day and the hour that folders or the file's name tell, None where they do not."""
        return told_by_path(file, self.file_names)

    def spread(self, most: int) -> tuple[Path, ...]:
        """At most so many of the files, evenly from the first to the last."""
        count = min(most, len(self.files))
        places = {round(n * (len(self.files) - 1) / max(count - 1, 1)) for n in range(count)}
        return tuple(self.files[place] for place in sorted(places))


def told_by_path(file: Path, file_names: str | None) -> tuple[str | None, str | None]:
    """The day and the hour of an event file by its name's pattern, or else by its folders."""
    if file_names:
        return day_and_hour(file.name, file_names)
    folders = [parent.name for parent in file.parents]
    day = next((n.removeprefix("date=") for n in folders if _DAY.fullmatch(n)), None)
    hour = next((n.removeprefix("hour=") for n in folders[:2] if _HOUR.fullmatch(n)), None)
    return day, hour


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
        named = _by_names(folder, tuple(data_files(folder)))
        return named or LogFiles(folder.parent, folder.name, layout, (path,), others)
    every = tuple(data_files(folder))
    return _by_folders(folder, every) or _flat(folder, (path,))


def _in_folder(path: Path) -> LogFiles:
    """A folder of events, of one of its partitions, or one that holds `events/`."""
    folder, _ = _above_partitions(path)
    if folder == path and (path / _EVENTS).is_dir():
        folder = path / _EVENTS
    every = tuple(data_files(folder))
    if not every:
        raise UsageError(f"{path}: no file of a log below it")
    return _by_folders(folder, every) or _by_names(folder, every) or _flat(folder, every)


def _flat(folder: Path, files: tuple[Path, ...]) -> LogFiles:
    return LogFiles(folder.parent, folder.name, "flat", files)


def _by_folders(folder: Path, every: tuple[Path, ...]) -> LogFiles | None:
    """The log whose folders tell its days, or None; files that lie elsewhere are its `others`."""
    files = _files_of_days(folder)
    if not files:
        return None
    strays = tuple(sorted({*every} - {*files}))
    return LogFiles(folder.parent, folder.name, _layout(files), files, strays)


def _by_names(folder: Path, files: tuple[Path, ...]) -> LogFiles | None:
    """The log whose files' names tell their days, or their hours; None where they do not."""
    pattern = pattern_of(file.name for file in files)
    if pattern is None:
        return None
    layout: Layout = "hour" if "HH" in pattern else "day"
    in_order = sorted(files, key=lambda file: (*day_and_hour(file.name, pattern), file.name))
    return LogFiles(folder.parent, folder.name, layout, tuple(in_order), file_names=pattern)


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
    """All files below a folder, behind links to folders too, in order; but for hidden ones."""
    for entry in FileStore(folder).reachable():
        file = folder / entry.key
        if file.is_file() and not is_hidden(entry.key.split("/")):
            yield file


def is_hidden(parts: Sequence[str]) -> bool:
    """Whether a file is hidden or temporary, by the names of its folders and its own, the last.

    One of them begins with `_` or `.`, or its own ends in `.crc`, `.tmp` or `._COPYING_`.
    """
    is_temporary = parts[-1].lower().endswith(_TEMPORARY)
    return is_temporary or any(part.startswith(_HIDDEN) for part in parts)

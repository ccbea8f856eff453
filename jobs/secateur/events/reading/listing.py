"""Which files of a store are a log's event files, and of which day and hour each is.

Hidden and temporary files and markers are skipped, and counted. Every other file below the events'
folder must be of a day, and have a name that is text.
"""

import logging
import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from urllib.parse import unquote

from secateur.contracts.artifact_files import DAY_FOLDER
from secateur.contracts.errors import Refused
from secateur.local_days import hours_of
from secateur.scenario import Logs
from secateur.scenario.raw_log.file_days import day_and_hour, is_day
from secateur.scenario.raw_log.files import is_hidden
from secateur.storage import Store, StoredObject

HOUR_FOLDER = "hour="
_HOUR = re.compile(r"[01]?\d|2[0-3]")
_SHOWN = 3  # files that a message names

log = logging.getLogger("secateur")


@dataclass(frozen=True)
class EventFile:
    """One event file: its key, its size, its day and hour (`00` to `23`) where they are told, and
    its last write in seconds since 1970.

    A flat log's files tell no day.
    """

    key: str
    bytes: int
    day: str | None = None
    hour: str | None = None
    modified: float = 0.0


@dataclass(frozen=True)
class Listing:
    """All event files of a log, sorted by key, and how many hidden or temporary ones lie there."""

    files: tuple[EventFile, ...]
    hidden: int

    @property
    def days(self) -> Mapping[str, int]:
        """The bytes of each day's files; of a flat log none."""
        bytes_of: Counter[str] = Counter()
        for file in self.files:
            if file.day:
                bytes_of[file.day] += file.bytes
        return bytes_of

    def after(self, day: str) -> dict[str, int]:
        """How many files there are of each later day."""
        later = Counter(file.day for file in self.files if file.day and file.day > day)
        return dict(sorted(later.items()))


def list_event_files(store: Store, logs: Logs) -> Listing:
    """What lies below a log's events. Raises Refused where a file is of no day or hour, or its name
    no text.
    """
    below = list(store.reachable(f"{logs.events}/"))
    shown = [one for one in below if not _is_no_event_file(_parts(one, logs), logs)]
    if len(shown) < len(below):
        hidden = next(one.key for one in below if one not in shown)
        log.info("skipped: %d hidden or temporary files, %s", len(below) - len(shown), hidden)
    _demand_names_of_text(shown)
    files = [EventFile(o.key, o.bytes, *_day_and_hour(o, logs), o.modified) for o in shown]
    _demand_a_day(files, logs)
    return Listing(tuple(files), len(below) - len(shown))


def absent_hours(files: Iterable[EventFile], logs: Logs, day: str) -> list[str]:
    """The hours that a day has in the log's time zone and that no file is of, of an hourly log."""
    if logs.layout != "hour":
        return []
    present = {file.hour for file in files if file.day == day}
    hours = hours_of(date.fromisoformat(day), logs.timezone)
    return [hour for hour in hours if hour not in present]


def demand_all_hours(files: Iterable[EventFile], logs: Logs, days: Iterable[str]) -> None:
    """Insist on a file of every hour that these days have in the log's time zone, of an hourly log.

    Raises Refused.
    """
    files = list(files)
    for day in days:
        if missing := absent_hours(files, logs, day):
            hours = len(hours_of(date.fromisoformat(day), logs.timezone))
            raise Refused(
                f"{logs.events}: {day}: {len(missing)} of {hours} hours have no file: "
                f"{', '.join(missing)}"
            )


def _is_no_event_file(parts: Sequence[str], logs: Logs) -> bool:
    return is_hidden(parts) or parts[-1] == logs.marker


def _parts(entry: StoredObject, logs: Logs) -> Sequence[str]:
    return entry.key.removeprefix(f"{logs.events}/").split("/")


def _demand_names_of_text(entries: Iterable[StoredObject]) -> None:
    for entry in entries:
        spelled = os.fsencode(entry.key).decode("utf-8", "backslashreplace")
        if spelled != entry.key:
            raise Refused(f"{spelled}: its name is not UTF-8: rename the file or its folder")


def _day_and_hour(entry: StoredObject, logs: Logs) -> tuple[str | None, str | None]:
    if logs.layout == "flat":
        return None, None
    *folders, name = _parts(entry, logs)
    if logs.file_names:
        return day_and_hour(name, logs.file_names)
    first, second, *_ = *folders, "", ""
    day = unquote(first.removeprefix(DAY_FOLDER)) if first.startswith(DAY_FOLDER) else ""
    hour = unquote(second.removeprefix(HOUR_FOLDER)) if second.startswith(HOUR_FOLDER) else ""
    return (
        day if is_day(day) else None,
        f"{int(hour):02d}" if _HOUR.fullmatch(hour) else None,
    )


def _demand_a_day(files: Sequence[EventFile], logs: Logs) -> None:
    if logs.layout == "flat":
        return
    is_hourly = logs.layout == "hour"
    lost = [one.key for one in files if not one.day or (is_hourly and not one.hour)]
    if lost:
        where = f"{DAY_FOLDER}YYYY-MM-DD/" + (f"{HOUR_FOLDER}HH/" if is_hourly else "")
        told = f"a name with {logs.file_names}" if logs.file_names else f"a folder {where}"
        raise Refused(
            f"{len(lost)} of {len(files)} files are of no day, as they have not {told}: "
            f"{', '.join(lost[:_SHOWN])}; move them away"
        )

"""Which raw files a night reads, each read to its end before Spark sees it."""

import csv
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import get_args

import pyarrow as pa
import pyarrow.parquet as pq

from secateur.contracts import record
from secateur.contracts.artifact_files import DAY_FOLDER
from secateur.contracts.errors import NotDelivered, ObjectMissing, Refused, UsageError
from secateur.events import compressed_text
from secateur.local_days import days_up_to
from secateur.scenario import Logs, TableFormat
from secateur.scenario.loading import log_uri
from secateur.scenario.sections.logs import Weekday
from secateur.storage import Store, local_path, open_store

HOUR_FOLDER = "hour="
HOURS = tuple(f"{hour:02d}" for hour in range(24))
WEEKDAYS = get_args(Weekday)  # from Monday on
_SAMPLED_LINES = 1000  # of a JSON file, to learn the names of its columns


@dataclass(frozen=True)
class RawFile:
    """One file: its key in the log's store, a readable local copy, and what it holds.

    `day` is its folder's, None in a flat log. `header` is the line that names the columns, None
    where there is none. `rows` tells whether there is anything besides it.
    """

    key: str
    path: Path
    day: str | None
    columns: tuple[str, ...]
    header: str | None
    sha256: str
    rows: bool


@dataclass(frozen=True)
class RawLog:
    """The event files of the window and of the days before it that `days` may repeat, and the
    side tables by name. A flat log's days are not known yet: `days` is empty.
    """

    days: tuple[str, ...]
    events: tuple[RawFile, ...]
    sides: Mapping[str, RawFile]

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the event files, the same in all."""
        return self.events[0].columns

    @property
    def digest(self) -> str:
        """Names the content of all files."""
        files = (*self.events, *self.sides.values())
        return record.digest({file.key: file.sha256 for file in files})


def open_log(logs: Logs, uri: str, scratch: Path, lookback: int = 0) -> RawLog:
    """Find and check the files of the window and of `lookback` days before it, where they exist.

    Those of an object store, and zstd text that Spark cannot read, are copied to `scratch`. Raises
    UsageError where no file lies at `uri`, and Refused naming the day or hour that is missing, the
    file that is empty, cut short, there twice or has other columns.
    """
    store = open_store(log_uri(uri))
    keys = _keys_by_day(store, logs)
    days: tuple[str, ...] = ()
    wanted: list[str | None] = [None]
    if logs.layout != "flat":
        present = [day for day in keys if day is not None]
        days = choose_days(logs, present, store.uri)
        before = [day for day in days_up_to(days[0], lookback + 1)[:-1] if day in present]
        wanted = [*before, *days]
    elif not keys:
        raise UsageError(f"{store.uri}: no file below {logs.events}/")
    _demand_hours(logs, keys, days)
    events = tuple(
        _examine(store, key, logs, day, scratch) for day in wanted for key in keys.get(day, [])
    )
    _demand_same_columns(events)
    _demand_no_file_twice(events)
    sides = {side.name: _examine(store, side.path, side, None, scratch) for side in logs.sides}
    return RawLog(days, events, sides)


def window_days(logs: Logs, uri: str) -> tuple[str, ...]:
    """The days that a night of this log would read, by its folders' names alone.

    Empty for a flat log, whose rows tell their days. Raises as `choose_days`, and NotDelivered
    where the window's last day is no day of the log.
    """
    if logs.layout == "flat":
        return ()
    store = open_store(log_uri(uri))
    present = [day for day in _keys_by_day(store, logs) if day is not None]
    last = logs.last_day
    if last and present and last not in present:
        raise NotDelivered(f"{store.uri} has no {last} yet; its newest day is {max(present)}")
    return choose_days(logs, present, store.uri)


def choose_days(logs: Logs, present: Iterable[str], where: str) -> tuple[str, ...]:
    """The `window_days` days up to `last_day` or the newest one, none before `first_day`.

    Weekdays on which the site is `closed` are left out. Raises UsageError where there is no day at
    all, Refused where one of the window is missing.
    """
    present = set(present)
    if not present:
        raise UsageError(f"{where}: no {logs.events}/{DAY_FOLDER}YYYY-MM-DD/ with a file there")
    last = logs.last_day or max(present)
    days = [
        day
        for day in window_of(logs, last)
        if day in present or WEEKDAYS[date.fromisoformat(day).weekday()] not in logs.closed
    ]
    missing = [day for day in days if day not in present]
    if missing or not days:
        raise Refused(
            f"{where}: {len(missing)} of the {len(days)} days up to {last} have no file: "
            f"{', '.join(missing)}"
        )
    return tuple(days)


def window_of(logs: Logs, last: str) -> list[str]:
    """Every calendar day of the window that ends with `last`."""
    days = days_up_to(last, logs.window_days)
    return [day for day in days if logs.first_day is None or day >= logs.first_day]


def _keys_by_day(store: Store, logs: Logs) -> dict[str | None, list[str]]:
    """Keys of the event files by their folder's day; names with a leading _ or . are no data."""
    keys: dict[str | None, list[str]] = {}
    for key in store.keys(f"{logs.events}/"):
        first, *middle, name = key.removeprefix(f"{logs.events}/").split("/")[0:1] + key.split("/")
        if name.startswith(("_", ".")):
            continue
        if logs.layout == "flat":
            keys.setdefault(None, []).append(key)
        elif first.startswith(DAY_FOLDER) and middle:
            keys.setdefault(first.removeprefix(DAY_FOLDER), []).append(key)
    return keys


def _demand_hours(logs: Logs, keys: Mapping[str | None, list[str]], days: Iterable[str]) -> None:
    if logs.layout != "hour":
        return
    for day in days:
        there = {part for key in keys[day] for part in key.split("/")}
        missing = [hour for hour in HOURS if f"{HOUR_FOLDER}{hour}" not in there]
        if missing:
            raise Refused(
                f"{logs.events}/{DAY_FOLDER}{day}: {len(missing)} of 24 hours have no file: "
                f"{', '.join(missing)}"
            )


def _examine(store: Store, key: str, table: TableFormat, day: str | None, scratch: Path) -> RawFile:
    """Read a file to its end. Raises Refused where it has none, or nothing in it."""
    path = _local_copy(store, key, scratch)
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    try:
        if table.format == "parquet":
            columns = tuple(pq.ParquetFile(path).schema_arrow.names)
            return RawFile(key, path, day, columns, None, sha256, rows=True)
        path = compressed_text.unpack_zstd(path, scratch / "staged" / key)
        lines = compressed_text.first_lines(path, _SAMPLED_LINES)
        compressed_text.drain(path)
    except (OSError, EOFError, pa.ArrowInvalid, *compressed_text.DAMAGE) as error:
        raise Refused(f"{key} cannot be read to its end: {error}") from error
    if not lines:
        raise Refused(f"{key} is empty: not even a header ({path.stat().st_size} bytes)")
    if table.format == "json_lines":
        return RawFile(key, path, day, _json_columns(key, lines), None, sha256, rows=True)
    if not table.header:
        return RawFile(key, path, day, table.columns, None, sha256, rows=True)
    columns = tuple(next(csv.reader([lines[0]], delimiter=table.separator)))
    return RawFile(key, path, day, columns, lines[0], sha256, rows=len(lines) > 1)


def _json_columns(key: str, lines: Iterable[str]) -> tuple[str, ...]:
    """The keys of the first rows, in the order they come; rows may lack some."""
    names: dict[str, None] = {}
    for line in lines:
        try:
            row = json.loads(line)
        except ValueError:
            continue  # quarantined as malformed later
        if isinstance(row, dict):
            names |= dict.fromkeys(row)
    if not names:
        raise Refused(f"{key}: none of its first lines is a JSON object")
    return tuple(names)


def _local_copy(store: Store, key: str, scratch: Path) -> Path:
    folder = local_path(store.uri)
    path = (folder or scratch) / key
    try:
        if folder is None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(store.get(key).data)
        elif not path.is_file():
            raise ObjectMissing(key)
    except ObjectMissing as error:
        raise Refused(f"{store.uri}: no file {key}") from error
    return path


def _demand_same_columns(files: tuple[RawFile, ...]) -> None:
    """JSON rows may lack a key; the columns of all other formats are the same in all files."""
    expected = files[0]
    for file in files:
        if file.columns != expected.columns:
            differing = sorted(set(file.columns) ^ set(expected.columns)) or "their order"
            raise Refused(f"{file.key} and {expected.key} differ in columns: {differing}")


def _demand_no_file_twice(files: tuple[RawFile, ...]) -> None:
    """The same bytes under two names are one delivery that came twice."""
    seen: dict[str, str] = {}
    for file in files:
        if file.rows and file.sha256 in seen:
            raise Refused(f"{seen[file.sha256]} and {file.key} are the same file twice")
        seen[file.sha256] = file.key

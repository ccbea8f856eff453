"""Which raw files a night reads, checked one by one before Spark sees them."""

import csv
import gzip
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TextIO

from secateur.artifacts import sha256_file
from secateur.contracts import record
from secateur.contracts.errors import ObjectMissing, Refused, UsageError
from secateur.scenario import PROJECT, Logs
from secateur.storage import Store, local_path, open_store
from secateur.values import canonical

SUFFIX = ".csv.gz"
DAY_FOLDER = "date="
_BLANK = "".join(map(chr, range(0x21)))  # what Java's String.trim drops


@dataclass(frozen=True)
class RawFile:
    """One gzipped CSV file with a header: its key in the log's store, and what it holds."""

    key: str
    path: Path
    columns: tuple[str, ...]
    rows: int


@dataclass(frozen=True)
class RawLog:
    """The files of one window of days, and the side tables by name."""

    days: tuple[str, ...]
    events: tuple[RawFile, ...]
    sides: dict[str, RawFile]

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the event files, the same in all."""
        return self.events[0].columns

    @property
    def rows(self) -> int:
        """Rows of the event files, counted line by line without Spark."""
        return sum(file.rows for file in self.events)

    @property
    def digest(self) -> str:
        """Names the content of all files."""
        files = (*self.events, *self.sides.values())
        return record.digest({file.key: sha256_file(file.path) for file in files})


def open_log(logs: Logs, uri: str, scratch: Path) -> RawLog:
    """Find and check the files of the window; those of an object store are copied to `scratch`.

    Raises UsageError where no day lies at `uri`, and Refused naming the day that is missing, the
    file that is empty, cut short or has other columns, or the absence of any row.
    """
    store = open_store(uri if "://" in uri else str(PROJECT / uri))
    keys = _keys_by_day(store, logs)
    days = choose_days(logs, keys, store.uri)
    events = tuple(_examine(store, key, scratch) for day in days for key in keys[day])
    _demand_same_columns(events)
    if not any(file.rows for file in events):
        raise Refused(f"{store.uri}: no row in {len(events)} files, {days[0]}..{days[-1]}")
    sides = {side.name: _examine(store, side.path, scratch) for side in logs.sides}
    for side in logs.sides:
        _demand_one_row_a_key(sides[side.name], side.key)
    return RawLog(days, events, sides)


def choose_days(logs: Logs, present: Iterable[str], where: str) -> tuple[str, ...]:
    """The `window_days` days up to `last_day` or the newest one, none before `first_day`.

    Raises UsageError where there is no day at all, Refused where one of the window is missing.
    """
    present = set(present)
    if not present:
        raise UsageError(f"{where}: no {logs.events}/{DAY_FOLDER}YYYY-MM-DD/*{SUFFIX} there")
    last = date.fromisoformat(logs.last_day or max(present))
    days = [str(last - timedelta(days=back)) for back in reversed(range(logs.window_days))]
    days = [day for day in days if logs.first_day is None or day >= logs.first_day]
    missing = [day for day in days if day not in present]
    if missing or not days:
        raise Refused(
            f"{where}: {len(missing)} of the {len(days)} days up to {last} have no file: "
            f"{', '.join(missing)}"
        )
    return tuple(days)


def _keys_by_day(store: Store, logs: Logs) -> dict[str, list[str]]:
    keys: dict[str, list[str]] = {}
    prefix = f"{logs.events}/{DAY_FOLDER}"
    for key in store.keys(prefix):
        day, _, name = key.removeprefix(prefix).partition("/")
        if name.endswith(SUFFIX) and "/" not in name:
            keys.setdefault(day, []).append(key)
    return keys


def _examine(store: Store, key: str, scratch: Path) -> RawFile:
    """Read a file to its end: count its rows, and refuse one that cannot be read whole."""
    path = _local_copy(store, key, scratch)
    rows = -1  # the header
    try:
        with gzip.open(path, "rt", encoding="utf-8", errors="replace") as lines:
            columns = _header(lines)
            rows = sum(1 for line in lines if line.strip(_BLANK))
    except (EOFError, OSError, zlib.error) as error:
        raise Refused(f"{key} cannot be read to its end: {error}") from error
    if not columns:
        raise Refused(f"{key} is empty: not even a header ({path.stat().st_size} bytes)")
    return RawFile(key, path, columns, rows)


def _header(lines: TextIO) -> tuple[str, ...]:
    first = next((line for line in lines if line.strip(_BLANK)), "")
    return tuple(next(csv.reader([first]), ()))


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
    expected = files[0]
    for file in files:
        if file.columns != expected.columns:
            differing = sorted(set(file.columns) ^ set(expected.columns)) or "their order"
            raise Refused(f"{file.key} and {expected.key} differ in columns: {differing}")


def _demand_one_row_a_key(side: RawFile, key: str) -> None:
    """A side table fits in memory; with a key twice, it would make two events of one."""
    if key not in side.columns:
        raise Refused(f"{side.key} has no column {key}; it has {list(side.columns)}")
    with gzip.open(side.path, "rt", encoding="utf-8", errors="replace") as lines:
        rows = list(csv.reader(line for line in lines if line.strip(_BLANK)))[1:]
    cut = sum(len(row) != len(side.columns) for row in rows)
    position = side.columns.index(key)
    keys = [canonical(row[position]) for row in rows if position < len(row)]
    twice = len(keys) - len(set(keys))
    if cut or twice:
        raise Refused(
            f"{side.key}: of {len(rows):,} rows {cut} have not {len(side.columns)} columns, and "
            f"{twice} repeat a {key}"
        )

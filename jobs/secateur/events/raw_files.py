"""Which raw files a night reads, each read to its end before Spark sees it."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from secateur.contracts import record
from secateur.contracts.artifact_files import DAY_FOLDER
from secateur.contracts.data import RunWindow, SkippedFiles
from secateur.contracts.errors import NotDelivered, Refused, UsageError
from secateur.events.reading.listing import Listing, demand_all_hours, list_event_files
from secateur.events.reading.parquet_types import demand_common_types
from secateur.events.reading.plausible_days import (
    is_open,
    last_open_day,
    newest_plausible_day,
)
from secateur.events.reading.raw_file import RawFile
from secateur.events.reading.shared_columns import with_columns_of_all
from secateur.events.reading.whole_days import (
    incomplete_days,
    is_quiet,
    last_whole_day,
    what_is_lacking,
    written_lately,
)
from secateur.events.reading.whole_files import UnreadFile, examine_files
from secateur.local_days import days_up_to
from secateur.scenario import Logs, SideTable
from secateur.scenario.loading import log_uri
from secateur.scenario.raw_log.column_names import NamingRules
from secateur.storage import open_store

log = logging.getLogger("secateur")

_ANY_SIZE = 0  # of a side table, which is never what makes a log large


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
        """Columns of the event files: in the files' order where it is one, else by name."""
        return log_columns(self.events)

    def stored_type(self, column: str) -> pa.DataType | None:
        """The type in which Parquet files hold a column, which is one but for nulls; else None."""
        kinds = (file.stored_type(column) for file in self.events)
        return next((kind for kind in kinds if kind not in (None, pa.null())), None)

    @property
    def digest(self) -> str:
        """Names the content of all files."""
        files = (*self.events, *self.sides.values())
        return record.digest({file.key: file.sha256 for file in files})


def log_columns(files: Sequence[RawFile]) -> tuple[str, ...]:
    """The columns that any of the files has."""
    if all(file.columns == files[0].columns for file in files):
        return files[0].columns
    return tuple(sorted({name for file in files for name in file.columns}))


def open_log(
    logs: Logs, uri: str, scratch: Path, lookback: int = 0, rules: NamingRules | None = None
) -> RawLog:
    """Find and check the files of the window and of `lookback` days before it, where they exist.

    Those of an object store, and text that Spark cannot read, are copied to `scratch`. Raises
    UsageError where no file lies at `uri`, and Refused naming the day or hour that is missing, the
    file that is empty, cut short, there twice or has other columns, and two files that differ in
    a column's type.
    """
    store, rules = open_store(log_uri(uri)), rules or NamingRules()
    listing = list_event_files(store, logs)
    files = list(listing.files)
    days: tuple[str, ...] = ()
    if logs.layout == "flat":
        if not files:
            raise UsageError(f"{store.uri}: no file below {logs.events}/")
    else:
        asked = logs.model_copy(update={"last_day": last_whole_day(store, logs, listing)})
        days = choose_days(asked, listing.days, store.uri)
        _skipped_files(listing, logs)
        demand_all_hours(files, logs, days)
        wanted = {*days_up_to(days[0], lookback + 1), *days}
        files = sorted((one for one in files if one.day in wanted), key=lambda one: one.day or "")
    staged = scratch / "staged"
    sides = {side.name: _examine_side(store.uri, side, rules, staged) for side in logs.sides}
    keys = {side.key for side in logs.sides}
    of_sides = {name for side in sides.values() for name in side.columns} - keys
    unread_files = [
        UnreadFile(store.uri, one.key, one.bytes, one.day, staged / f"{number:06d}")
        for number, one in enumerate(files)
    ]
    events = examine_files(unread_files, logs, NamingRules(rules.own, rules.sought - of_sides))
    if logs.format == "json_lines":
        events = tuple(with_columns_of_all(events, rules))
    _demand_same_columns(events, logs)
    demand_common_types(events)
    _demand_no_file_twice(events)
    return RawLog(days, events, sides)


def _examine_side(store: str, side: SideTable, rules: NamingRules, staged: Path) -> RawFile:
    unread = UnreadFile(store, side.path, _ANY_SIZE, None, staged / side.name / "0")
    (found,) = examine_files([unread], side, NamingRules(rules.own))
    return found


def find_window(logs: Logs, uri: str, now: float | None = None) -> RunWindow:
    """What a night of this log would read, by its files' names, sizes and times alone.

    Without days for a flat log, whose rows tell them. Without a last day asked for, the newest
    plausible one that is whole is meant; for one on which the site is closed, the last open one
    before it. At `now`, in seconds since 1970, it is asked whether a day is quiet. Raises as
    `choose_days`, NotDelivered where the window's last day is no day of the log or not whole yet,
    or where a file is not quiet yet, and Refused where another of its days is not whole.
    """
    store = open_store(log_uri(uri))
    listing = list_event_files(store, logs)
    if logs.layout == "flat":
        if now is not None and not is_quiet(listing.files, logs, now):
            raise NotDelivered(f"{store.uri}: {written_lately(logs)}")
        return RunWindow((), logs.last_day, skipped=_skipped_files(listing, logs))
    lacking = incomplete_days(store, logs, listing.files, now)
    whole = {day: size for day, size in listing.days.items() if day not in lacking}
    newest = newest_plausible_day(whole, logs) if whole else None
    last = logs.last_day or newest
    if last and last not in listing.days:
        last = last_open_day(last, logs)
    if listing.days and last not in whole:
        raise NotDelivered(f"{store.uri} has {what_is_lacking(last, newest, lacking)}")
    days = choose_days(logs.model_copy(update={"last_day": last}), listing.days, store.uri)
    if partly := {day: lacking[day] for day in days if day in lacking}:
        is_settling = set(partly.values()) == {written_lately(logs)}  # which a wait mends
        said = [f"{day}: {lack}" for day, lack in partly.items()]
        raise (NotDelivered if is_settling else Refused)(
            f"{store.uri}: {len(partly)} days of the window are not whole: {said}"
        )
    return RunWindow(days, days[-1], skipped=_skipped_files(listing, logs))


def choose_days(logs: Logs, present: Mapping[str, int], where: str) -> tuple[str, ...]:
    """The `window_days` days up to `last_day` or the newest plausible one, none before `first_day`.

    `present` has the bytes of each day's files. Weekdays on which the site is `closed` are left
    out. Raises UsageError where there is no day at all, Refused where one of the window is missing.
    """
    if not present:
        raise UsageError(f"{where}: no {logs.events}/{DAY_FOLDER}YYYY-MM-DD/ with a file there")
    last = logs.last_day or newest_plausible_day(present, logs)
    if logs.first_day and logs.first_day > last:
        raise Refused(f"{where}: first_day {logs.first_day} is after {last}, with which it ends")
    days = [day for day in window_of(logs, last) if day in present or is_open(day, logs)]
    missing = [day for day in days if day not in present]
    if missing or not days:
        raise Refused(
            f"{where}: {len(missing)} of the {len(days)} days up to {last} have no file: "
            f"{', '.join(missing)}"
        )
    return tuple(days)


def _skipped_files(listing: Listing, logs: Logs) -> SkippedFiles:
    """The files that no night reads: hidden ones, and those of days in the future."""
    if not listing.days:
        return SkippedFiles(listing.hidden)
    newest = newest_plausible_day(listing.days, logs)
    end = max(newest, logs.last_day or newest)
    future = listing.after(end)
    if future:
        many, days = sum(future.values()), ", ".join(future)
        log.warning("skipped: %d files of days in the future, %s: the log ends %s", many, days, end)
    return SkippedFiles(listing.hidden, future)


def window_of(logs: Logs, last: str) -> list[str]:
    """Every calendar day of the window that ends with `last`."""
    days = days_up_to(last, logs.window_days)
    return [day for day in days if logs.first_day is None or day >= logs.first_day]


def _demand_same_columns(files: Sequence[RawFile], logs: Logs) -> None:
    """JSON rows may lack a key; all other files have the same columns, in any order."""
    expected = files[0]
    for file in files:
        differing = sorted(set(file.columns) ^ set(expected.columns))
        if differing and logs.format != "json_lines":
            raise Refused(f"{file.key} and {expected.key} differ in columns: {differing}")


def _demand_no_file_twice(files: Sequence[RawFile]) -> None:
    """The same bytes under two names are one delivery that came twice."""
    seen: dict[str, str] = {}
    for file in files:
        if file.has_rows and file.sha256 in seen:
            raise Refused(f"{seen[file.sha256]} and {file.key} are the same file twice")
        seen[file.sha256] = file.key

"""Which days were delivered whole, by the scenario's rule and files' names and times alone."""

from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import unquote

from secateur.contracts.artifact_files import DAY_FOLDER
from secateur.events.reading.listing import EventFile, Listing, absent_hours
from secateur.events.reading.plausible_days import newest_plausible_day
from secateur.scenario import Logs
from secateur.storage import Store

SECONDS = 60


def incomplete_days(
    store: Store, logs: Logs, files: Sequence[EventFile], now: float | None = None
) -> dict[str, str]:
    """The days that have files and are not whole yet, with what each lacks.

    Whether a day is quiet is asked at `now`, in seconds since 1970; without it, that is not asked.
    """
    marked = _marked_days(store, logs) if logs.marker else None
    lacking: dict[str, str] = {}
    for day in sorted({file.day for file in files if file.day}):
        if missing := absent_hours(files, logs, day):
            lacking[day] = f"{len(missing)} hours have no file: {', '.join(missing)}"
        elif marked is not None and day not in marked:
            lacking[day] = f"its folder has no {logs.marker}"
        elif now is not None and not is_quiet([f for f in files if f.day == day], logs, now):
            lacking[day] = written_lately(logs)
    return lacking


def is_quiet(files: Iterable[EventFile], logs: Logs, now: float) -> bool:
    """Whether none of the files was written within `quiet_minutes` before `now`."""
    least = logs.quiet_minutes * SECONDS
    return not least or all(now - file.modified >= least for file in files)


def written_lately(logs: Logs) -> str:
    """What is lacking where files are not quiet."""
    return f"a file was written less than {logs.quiet_minutes} minutes ago"


def last_whole_day(store: Store, logs: Logs, listing: Listing) -> str | None:
    """The last day that the scenario asks for, else the newest plausible one with its marker.

    None where no rule tells whole days: then the newest plausible day is meant.
    """
    if logs.last_day or not logs.marker:
        return logs.last_day
    lacking = incomplete_days(store, logs, listing.files)
    whole = {day: size for day, size in listing.days.items() if day not in lacking}
    return newest_plausible_day(whole, logs) if whole else None


def what_is_lacking(last: str | None, newest: str | None, lacking: Mapping[str, str]) -> str:
    """What a log has that has not all of the day `last`; `newest` is the newest whole day."""
    if last is None:
        return f"no day that is whole yet: {dict(lacking)}"
    if last in lacking:
        return f"not all of {last} yet: {lacking[last]}; its newest whole day is {newest}"
    return f"no {last} yet; its newest day is {newest}"


def _marked_days(store: Store, logs: Logs) -> set[str]:
    keys = (one.key for one in store.reachable(f"{logs.events}/"))
    return set(_days_of_markers(keys, f"{logs.marker}"))


def _days_of_markers(keys: Iterable[str], marker: str) -> Iterable[str]:
    for key in keys:
        *_, folder, name = ["", *key.split("/")]
        if name == marker and folder.startswith(DAY_FOLDER):
            yield unquote(folder.removeprefix(DAY_FOLDER))

"""The day, and the hour, that an event file's own name tells."""

import re
from collections.abc import Iterable, Mapping
from datetime import date

from secateur.scenario.time_formats import ERA

_PARTS = {"yyyy": r"(?P<yyyy>\d{4})", "MM": r"(?P<MM>\d\d)", "dd": r"(?P<dd>\d\d)"}
_PARTS |= {"HH": r"(?P<HH>[01]\d|2[0-3])"}
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_IN_NAME = re.compile(
    r"(?<!\d)\d{4}(?P<mark>[-_.]?)\d\d(?P=mark)\d\d(?:(?P<then>[-_.T]?)\d\d)?(?!\d)"
)
_MOST_HOURS = 20  # of a day that has files by the hour


def day_and_hour(name: str, pattern: str) -> tuple[str | None, str | None]:
    """Day and hour of a name that holds them as a pattern of yyyy, MM, dd and HH says."""
    pieces = re.split("(" + "|".join(_PARTS) + ")", pattern)
    found = re.search("".join(_PARTS.get(piece, re.escape(piece)) for piece in pieces), name)
    parts: Mapping[str, str] = found.groupdict() if found else {}
    day = "-".join(parts.get(part, "") for part in ("yyyy", "MM", "dd"))
    return day if is_day(day) else None, parts.get("HH")


def is_day(text: str) -> bool:
    """Whether it is a day of the calendar, `YYYY-MM-DD`."""
    try:
        return bool(_DAY.fullmatch(text) and date.fromisoformat(text))
    except ValueError:
        return False


def pattern_of(names: Iterable[str]) -> str | None:
    """The pattern by which each of several names tells its day, and its hour where there are files
    of most hours; None where they do not tell two days at least."""
    names = list(names)
    found = [_IN_NAME.search(name) for name in names]
    marks = {(m["mark"], m["then"]) if m else None for m in found}
    if None in marks or len(names) < 2:
        return None
    day_marks = {mark for mark, _ in filter(None, marks)}
    if len(day_marks) > 1:
        return None
    (mark,) = day_marks
    of_day = mark.join(("yyyy", "MM", "dd"))
    if len(marks) == 1 and (then := next(iter(filter(None, marks)))[1]) is not None:
        by_hour = f"{of_day}{then}HH"
        if _tells_hours(names, by_hour):
            return by_hour
    days = {day_and_hour(name, of_day)[0] for name in names}
    return of_day if None not in days and len(days) > 1 and _of_era(days) else None


def _tells_hours(names: Iterable[str], pattern: str) -> bool:
    hours: dict[str | None, set[str | None]] = {}
    for name in names:
        day, hour = day_and_hour(name, pattern)
        hours.setdefault(day, set()).add(hour)
    whole = all(None not in of_day for of_day in hours.values()) and None not in hours
    many = sum(len(of_day) >= _MOST_HOURS for of_day in hours.values())
    return whole and many >= max(1, len(hours) - 2) and _of_era(hours)


def _of_era(days: Iterable[str | None]) -> bool:
    return all(str(ERA[0]) <= (day or "") < str(ERA[1]) for day in days)

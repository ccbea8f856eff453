"""Reads a log's times as its scenario says they are written, without Spark: for drafts and checks.

A pattern is Spark's (https://spark.apache.org/docs/latest/sql-ref-datetime-pattern.html), of which
numbers, names of months and days in English, AM or PM and offsets are known here.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from functools import cache, lru_cache, partial
from zoneinfo import ZoneInfo

from secateur.scenario.time_formats import UNITS

ReadTime = Callable[[str], datetime | None]

_RUN = re.compile(r"'([^']*)'|(([A-Za-z])\3*)|(.)", re.DOTALL)
_BLANK_BEFORE_OFFSET = re.compile(r"(?<=\d) (?=(?:Z|[+-]\d[\d:]*)$)")
_UTC_BY_NAME = re.compile(r"(?<=\d) ?(?:UTC|GMT)$")
_REMEMBERED = 100_000  # times by their text: many rows share one
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NUMBERS = {
    **{"M": "month", "d": "day", "H": "hour", "h": "hour12", "m": "minute", "s": "second"},
}
_PARTS = {
    ("y", 2): r"(?P<year2>\d\d)",
    ("y", None): r"(?P<year>\d{4})",
    ("M", 3): r"(?P<month_name>[A-Za-z]{3})",
    ("E", None): r"[A-Za-z]+",
    ("a", None): r"(?P<half>[AaPp][Mm])",
    ("X", None): r"(?P<offset>Z|[+-]\d\d:?(?:\d\d)?)",
    ("x", None): r"(?P<offset>[+-]\d\d:?(?:\d\d)?)",
    ("Z", None): r"(?P<offset>[+-]\d{4})",
    ("z", None): r"(?P<offset>UTC|GMT|Z)",  # of zones by name these alone
}


def time_reader(time_format: str, zone: str, year: int | None = None) -> ReadTime | None:
    """What gives a text's moment on the clocks of `zone`, None for a text that is no such time.

    None where the pattern has parts that are not known here, or tells no year and none is given.
    """
    clocks = ZoneInfo(zone)
    if time_format in UNITS:
        return _number_reader(UNITS[time_format], clocks)
    if time_format == "iso":
        return _reader(iso_moment, clocks)
    shape = _shape_of(time_format)
    if shape is None or (year is None and not {"year", "year2"} & set(shape.groupindex)):
        return None
    return _reader(partial(_moment, shape, year), clocks)


def spelled_time_reader(zone: str, *, is_instant: bool) -> ReadTime:
    """What gives the moment of a typed time's spelling on the clocks of `zone`.

    A spelling has no offset: that of an instant is in UTC, any other of these clocks.
    """
    clocks = ZoneInfo(zone)

    def moment(text: str) -> datetime:
        return iso_moment(text).replace(tzinfo=UTC if is_instant else clocks)

    return _reader(moment, clocks)


def iso_moment(text: str) -> datetime:
    """The moment of an ISO 8601 text, with a blank before its offset or UTC by its name.

    Raises ValueError.
    """
    return datetime.fromisoformat(_BLANK_BEFORE_OFFSET.sub("", _UTC_BY_NAME.sub("Z", text)))


def _number_reader(per_second: int, clocks: ZoneInfo) -> ReadTime:
    def read(text: str) -> datetime | None:
        try:
            return datetime.fromtimestamp(float(text) / per_second, clocks)
        except (ValueError, OverflowError, OSError):
            return None

    return read


def _reader(parse: Callable[[str], datetime], clocks: ZoneInfo) -> ReadTime:
    """What reads a text by `parse`; one without an offset is of these clocks."""

    def read(text: str) -> datetime | None:
        try:
            moment = parse(text)
        except ValueError:
            return None
        return moment.astimezone(clocks) if moment.tzinfo else moment.replace(tzinfo=clocks)

    return lru_cache(maxsize=_REMEMBERED)(read)


@cache
def _shape_of(pattern: str) -> re.Pattern[str] | None:
    """What such a text looks like, with a group for each part; None where a part is unknown."""
    shape = ""
    for quoted, run, letter, other in _RUN.findall(pattern):
        part = _part(letter, len(run)) if run else re.escape(quoted or other or "'")
        if part is None:
            return None
        shape += part
    try:
        return re.compile(shape)
    except re.error:  # a part that comes twice
        return None


def _part(letter: str, length: int) -> str | None:
    """What a run of one letter stands for; None where that is not known here."""
    if letter in _NUMBERS and length <= 2:
        digits = r"\d\d" if length == 2 else r"\d{1,2}"
        return rf"(?P<{_NUMBERS[letter]}>{digits})"
    if letter == "S":
        return rf"(?P<fraction>\d{{{length}}})"
    return _PARTS.get((letter, length)) or _PARTS.get((letter, None))


def _moment(shape: re.Pattern[str], known_year: int | None, text: str) -> datetime:
    """The moment, naive where the text has no offset. Raises ValueError where it is none."""
    found = shape.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no such time")
    parts = found.groupdict()
    year = int(parts.get("year") or known_year or 2000 + int(parts.get("year2") or 0))
    named = parts.get("month_name")
    month = _MONTHS.index(named.lower()) + 1 if named else int(parts.get("month") or 1)
    hour = int(parts.get("hour") or 0)
    if parts.get("hour12"):
        hour = int(parts["hour12"]) % 12 + 12 * ((parts.get("half") or "").lower() == "pm")
    micro = int((parts.get("fraction") or "0")[:6].ljust(6, "0"))
    minute, second = int(parts.get("minute") or 0), int(parts.get("second") or 0)
    zone = _zone(parts.get("offset"))
    return datetime(year, month, int(parts.get("day") or 1), hour, minute, second, micro, zone)


def _zone(offset: str | None) -> timezone | None:
    if offset is None:
        return None
    if offset.isalpha():
        return UTC
    digits = offset[1:].replace(":", "").ljust(4, "0")
    ahead = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-ahead if offset[0] == "-" else ahead)

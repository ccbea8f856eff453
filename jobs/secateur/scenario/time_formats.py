"""Which column tells an event's time, and how it spells it.

A format is a unit since 1970, `iso`, or one of Spark's datetime patterns
(https://spark.apache.org/docs/latest/sql-ref-datetime-pattern.html).
"""

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from enum import Enum
from functools import partial
from typing import NamedTuple

UNITS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
ISO = "iso"
# Whole numbers of one unit, taken for those of another, lie outside.
ERA = (date(1980, 1, 1), date(2100, 1, 1))
# 2000-01-01 and 2030-01-01 in seconds since 1970; 2024010107 is no such number, but an hour.
_EARLIEST, _LATEST = 946_684_800, 1_893_456_000
_LETTERS = set("GyMLdDQqahHkKmsSVzOXxZ")  # of what can be parsed
_OF_ZONES, _OF_OFFSETS = set("VzOXxZ"), set("XxZ")
_UTC = {"Z", "UTC", "GMT"}

# Spark's pattern, Python's, and what only such a text looks like; the first that fits all is it.
PATTERNS = (
    ("yyyy-MM-dd HH:mm:ss", "%Y-%m-%d %H:%M:%S", r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"),
    ("yyyy-MM-dd'T'HH:mm:ss", "%Y-%m-%dT%H:%M:%S", r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"),
    ("yyyy-MM-dd'T'HH:mm:ssXXX", "%Y-%m-%dT%H:%M:%S%z", r"\S{19}(?:Z|[+-]\d\d:\d\d)"),
    ("yyyy-MM-dd HH:mm:ss.SSS", "%Y-%m-%d %H:%M:%S.%f", r"\S{10} \S{8}\.\d{3}"),
    ("yyyy-MM-dd HH:mm:ss.SSSSSS", "%Y-%m-%d %H:%M:%S.%f", r"\S{10} \S{8}\.\d{6}"),
    ("yyyy-MM-dd'T'HH:mm:ss.SSSXXX", "%Y-%m-%dT%H:%M:%S.%f%z", r"\S{19}\.\d{3}(?:Z|[+-]\d\d:\d\d)"),
    ("yyyy-MM-dd HH:mm:ss z", "%Y-%m-%d %H:%M:%S UTC", r"\S{10} \S{8} UTC"),
    ("M/d/yyyy h:mm:ss a", "%m/%d/%Y %I:%M:%S %p", r"\d+/\d+/\d{4} \d+:\d\d:\d\d [AP]M"),
    ("M/d/yyyy H:mm:ss", "%m/%d/%Y %H:%M:%S", r"\d+/\d+/\d{4} \d+:\d\d:\d\d"),
    ("d/M/yyyy H:mm:ss", "%d/%m/%Y %H:%M:%S", r"\d+/\d+/\d{4} \d+:\d\d:\d\d"),
    ("M/d/yyyy H:mm", "%m/%d/%Y %H:%M", r"\d+/\d+/\d{4} \d+:\d\d"),
    ("d/M/yyyy H:mm", "%d/%m/%Y %H:%M", r"\d+/\d+/\d{4} \d+:\d\d"),
    ("yyyyMMddHHmmss", "%Y%m%d%H%M%S", r"(?:19|20)\d{12}"),
    ("yyyyMMddHH", "%Y%m%d%H", r"(?:19|20)\d{8}"),
    ("yyMMddHH", "%y%m%d%H", r"\d{8}"),
    ("yyyy-MM-dd", "%Y-%m-%d", r"\d{4}-\d\d-\d\d"),
    ("yyyyMMdd", "%Y%m%d", r"(?:19|20)\d{6}"),
    ("M/d/yyyy", "%m/%d/%Y", r"\d+/\d+/\d{4}"),
    ("d/M/yyyy", "%d/%m/%Y", r"\d+/\d+/\d{4}"),
)
_SURE = 0.99
_TO_THE_DAY = {"yyyy-MM-dd", "yyyyMMdd", "M/d/yyyy", "d/M/yyyy"}
_WORDS = {"time", "timestamp", "ts", "date", "datetime", "day", "hour", "at", "when"}


class Offset(Enum):
    """Whether a text tells how far its clocks are from UTC."""

    NEVER = "never"
    PERHAPS = "perhaps"
    ALWAYS = "always"


def offset_of(time_format: str) -> Offset:
    """Whether texts of this format tell an offset: within [ ] a pattern's may be left out."""
    if time_format == ISO:
        return Offset.PERHAPS
    letters = _letters(time_format)
    required = re.sub(r"\[.*?\]", "", letters)
    if _OF_ZONES & set(required):
        return Offset.ALWAYS
    return Offset.PERHAPS if _OF_ZONES & set(letters) else Offset.NEVER


def fitting_unit(number: float) -> str | None:
    """The unit by which a number since 1970 lies in `ERA`, None where none is."""
    first, last = (datetime.combine(day, datetime.min.time(), UTC).timestamp() for day in ERA)
    found = (u for u, per_second in UNITS.items() if first <= number / per_second <= last)
    return next(found, None)


def pattern_faults(time_format: str, time_year: int | None, timezone: str) -> Iterator[str]:
    """What is wrong with a pattern: what Spark cannot parse, or would read by guessing.

    Spark takes 1970 for a year that is not told, January and the first for a day, and the morning
    for an hour up to 12.
    """
    if time_format in (*UNITS, ISO):
        return
    letters = set(filter(str.isalpha, _letters(time_format)))
    wrong = sorted(letters - _LETTERS)
    if wrong:
        yield (
            f"{time_format!r} is none of {', '.join((*UNITS, ISO))}, nor a pattern of Spark's: "
            f"{', '.join(wrong)} cannot be parsed"
        )
    if not wrong and "y" not in letters and time_year is None:
        yield f"{time_format!r} tells no year: say logs.time_year, the year of these times"
    if not wrong and "D" not in letters and not (letters & {"M", "L"} and "d" in letters):
        yield f"{time_format!r} tells no day of the year"
    if letters & {"h", "K"} and "a" not in letters:
        yield f"{time_format!r} tells hours up to 12, but not AM or PM, which is a"
    if timezone != "UTC" and _UTC & {text.strip() for text in time_format.split("'")[1::2]}:
        yield f"{time_format!r} reads over the letters that say UTC: write XXX for Z, z for a name"
    if offset_of(time_format) is Offset.PERHAPS and letters & (_OF_ZONES - _OF_OFFSETS):
        yield f"{time_format!r} has a zone that may be left out: only X, x and Z may be"


def tells_year(time_format: str) -> bool:
    """Whether a format's texts or numbers tell their year."""
    return time_format in (*UNITS, ISO) or "y" in _letters(time_format)


def _letters(pattern: str) -> str:
    """A pattern without the text between quotes, which stands for itself."""
    return "".join(pattern.split("'")[::2])


class TimeFormat(NamedTuple):
    """How a column spells time: a unit since 1970, or Spark's datetime pattern."""

    format: str
    rank: int  # the lower, the finer and the surer

    @property
    def words(self) -> str:
        """What to tell of it."""
        if self.format in UNITS:
            return f"whole numbers, {self.format} since 1970"
        return f"written as {self.format}"


def time_format_of(values: Sequence[str], name_words: Sequence[str]) -> TimeFormat | None:
    """How `values` spell time, but for a hundredth of them; None where they do not.

    Bare digits may be anything: they are a time only in a column named like one, or in one
    without a name.
    """
    named = bool(_WORDS & set(name_words))
    if not values:
        return None
    if named or not name_words:
        for unit, per_second in UNITS.items():
            if _mostly(partial(_counts, per_second=per_second), values):
                return TimeFormat(unit, 0)
    for rank, (spark, python, shape) in enumerate(PATTERNS, start=1):
        bare = spark.isalpha()
        if bare and name_words and not named:
            continue
        if _mostly(partial(_spells, pattern=python, shape=shape), values):
            return TimeFormat(spark, rank + 100 * (spark in _TO_THE_DAY))
    return None


def _mostly(holds: Callable[[str], bool], values: Sequence[str]) -> bool:
    """Early on the sure no: most columns are no time."""
    return holds(values[0]) + holds(values[-1]) > 0 and (
        sum(map(holds, values)) >= _SURE * len(values)
    )


def _counts(value: str, per_second: int) -> bool:
    digits = value.isascii() and value.isdigit()
    return digits and _EARLIEST * per_second <= int(value) < _LATEST * per_second


def _spells(value: str, pattern: str, shape: str) -> bool:
    if not re.fullmatch(shape, value):
        return False
    try:
        datetime.strptime(value, pattern)
    except ValueError:
        return False
    return True

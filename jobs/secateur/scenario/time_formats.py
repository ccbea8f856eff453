"""What a scenario may say of how times are spelled, and what is wrong with it.

A format is a unit since 1970, `iso`, or one of Spark's datetime patterns
(https://spark.apache.org/docs/latest/sql-ref-datetime-pattern.html).
"""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from enum import Enum
from functools import cache

UNITS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
ISO = "iso"
# Whole numbers of one unit, taken for those of another, lie outside.
ERA = (date(1980, 1, 1), date(2100, 1, 1))
_LETTERS = set("GyMLdDQqahHkKmsSVzOXxZ")  # of what can be parsed
_OF_ZONES, _OF_OFFSETS = set("VzOXxZ"), set("XxZ")
_UTC = {"Z", "UTC", "GMT"}
# How often a letter may stand in a row, of those that Java or Spark limits.
_MOST = dict.fromkeys("dHhKkmsV", 2) | dict.fromkeys("MLGz", 4) | dict.fromkeys("XxZ", 5)
_MOST |= {"y": 6, "D": 3, "a": 1, "S": 9}
_RUN = re.compile(r"([A-Za-z])\1*")
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")


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
    years = (ERA[0].year, ERA[1].year)
    return next((unit for unit in UNITS if _is_within(number / UNITS[unit], years)), None)


def counts_since_1970(text: str, unit: str, years: tuple[int, int]) -> bool:
    """Whether a text is a number that by this unit since 1970 lies within these years.

    Bare digits, with decimals or without: no sign, and no exponent.
    """
    return bool(_NUMBER.fullmatch(text)) and _is_within(float(text) / UNITS[unit], years)


def _is_within(seconds: float, years: tuple[int, int]) -> bool:
    first, end = map(_start_of, years)
    return first <= seconds < end


@cache
def _start_of(year: int) -> float:
    return datetime(year, 1, 1, tzinfo=UTC).timestamp()


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
    if not wrong and (unread := sorted(_unread_parts(time_format))):
        yield f"{time_format!r} is no pattern that Spark reads: {', '.join(unread)}"
    if letters & {"h", "K"} and "a" not in letters:
        yield f"{time_format!r} tells hours up to 12, but not AM or PM, which is a"
    if timezone != "UTC" and _UTC & {text.strip() for text in time_format.split("'")[1::2]}:
        yield f"{time_format!r} reads over the letters that say UTC: write XXX for Z, z for a name"
    if offset_of(time_format) is Offset.PERHAPS and letters & (_OF_ZONES - _OF_OFFSETS):
        yield f"{time_format!r} has a zone that may be left out: only X, x and Z may be"


def _unread_parts(pattern: str) -> Iterator[str]:
    """What Spark or Java refuses in a pattern of known letters."""
    plain = _letters(pattern)
    for run in _RUN.finditer(plain):
        if len(run[0]) > _MOST.get(run[1], len(run[0])):
            yield f"{run[0]} is too long"
    yield from (f"{mark} has a meaning of its own" for mark in "{}#" if mark in plain)
    if pattern.count("'") % 2:
        yield "a quote is not closed"
    if plain.count("[") < plain.count("]"):
        yield "] closes nothing"


def tells_year(time_format: str) -> bool:
    """Whether a format's texts or numbers tell their year."""
    return time_format in (*UNITS, ISO) or "y" in _letters(time_format)


def _letters(pattern: str) -> str:
    """A pattern without the text between quotes, which stands for itself."""
    return "".join(pattern.split("'")[::2])

"""Which column tells an event's time, and how it spells it."""

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import NamedTuple

UNITS = {"s": 1, "ms": 10**3, "us": 10**6}
# 2000-01-01 and 2030-01-01 in seconds since 1970; 2024010107 is no such number, but an hour.
_EARLIEST, _LATEST = 946_684_800, 1_893_456_000

# Spark's pattern, Python's, and what only such a text looks like; the first that fits all is it.
PATTERNS = (
    ("yyyy-MM-dd HH:mm:ss", "%Y-%m-%d %H:%M:%S", r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"),
    ("yyyy-MM-dd'T'HH:mm:ss", "%Y-%m-%dT%H:%M:%S", r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"),
    ("yyyy-MM-dd'T'HH:mm:ssXXX", "%Y-%m-%dT%H:%M:%S%z", r"\S{19}(?:Z|[+-]\d\d:\d\d)"),
    ("yyyy-MM-dd HH:mm:ss.SSS", "%Y-%m-%d %H:%M:%S.%f", r"\S{10} \S{8}\.\d{3}"),
    ("yyyy-MM-dd HH:mm:ss.SSSSSS", "%Y-%m-%d %H:%M:%S.%f", r"\S{10} \S{8}\.\d{6}"),
    ("yyyy-MM-dd'T'HH:mm:ss.SSSXXX", "%Y-%m-%dT%H:%M:%S.%f%z", r"\S{19}\.\d{3}(?:Z|[+-]\d\d:\d\d)"),
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

"""How a column spells time, told by its values and its name.

A spelling is a unit since 1970, `iso`, or one of Spark's datetime patterns
(https://spark.apache.org/docs/latest/sql-ref-datetime-pattern.html).
"""

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import NamedTuple

from secateur.scenario.raw_log.times import iso_moment
from secateur.scenario.time_formats import ERA, ISO, UNITS, Offset, counts_since_1970, offset_of

# Spark's pattern, Python's, and what only such a text looks like; the first that fits best is it.
PATTERNS = (
    ("yyyy-MM-dd HH:mm:ss", "%Y-%m-%d %H:%M:%S", r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"),
    ("yyyy-MM-dd'T'HH:mm:ss", "%Y-%m-%dT%H:%M:%S", r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"),
    ("yyyy-MM-dd HH:mm:ss z", "%Y-%m-%d %H:%M:%S UTC", r"\S{10} \S{8} UTC"),
    ("dd/MMM/yyyy:HH:mm:ss Z", "%d/%b/%Y:%H:%M:%S %z", r"\d\d/\w{3}/\d{4}:\S{8} [+-]\d{4}"),
    ("M/d/yyyy h:mm:ss a", "%m/%d/%Y %I:%M:%S %p", r"\d+/\d+/\d{4} \d+:\d\d:\d\d [AP]M"),
    ("M/d/yyyy H:mm:ss", "%m/%d/%Y %H:%M:%S", r"\d+/\d+/\d{4} \d+:\d\d:\d\d"),
    ("d/M/yyyy H:mm:ss", "%d/%m/%Y %H:%M:%S", r"\d+/\d+/\d{4} \d+:\d\d:\d\d"),
    ("yyyy/M/d H:mm:ss", "%Y/%m/%d %H:%M:%S", r"\d{4}/\d+/\d+ \d+:\d\d:\d\d"),
    ("M/d/yyyy H:mm", "%m/%d/%Y %H:%M", r"\d+/\d+/\d{4} \d+:\d\d"),
    ("d/M/yyyy H:mm", "%d/%m/%Y %H:%M", r"\d+/\d+/\d{4} \d+:\d\d"),
    ("d.M.yyyy H:mm", "%d.%m.%Y %H:%M", r"\d+\.\d+\.\d{4} \d+:\d\d"),
    ("yyyyMMddHHmmss", "%Y%m%d%H%M%S", r"(?:19|20)\d{12}"),
    ("yyyyMMddHH", "%Y%m%d%H", r"(?:19|20)\d{8}"),
    ("yyMMddHH", "%y%m%d%H", r"(?!(?:19|20)\d\d(?:0[1-9]|1[0-2])[0-3]\d)\d{8}"),
    ("yyyy-MM-dd", "%Y-%m-%d", r"\d{4}-\d\d-\d\d"),
    ("yyyyMMdd", "%Y%m%d", r"(?:19|20)\d{6}"),
    ("M/d/yyyy", "%m/%d/%Y", r"\d+/\d+/\d{4}"),
    ("d/M/yyyy", "%d/%m/%Y", r"\d+/\d+/\d{4}"),
    ("MM d, yyyy", "%m %d, %Y", r"\d\d \d{1,2}, \d{4}"),
)
_ISO_TEXT = re.compile(
    r"\d{4}-\d\d-\d\d(?:[T ]\d\d(?::\d\d){1,2}(?:\.\d+)?(?: ?(?:Z|UTC|GMT|[+-]\d\d(?::?\d\d)?))?)?"
)
_OFFSET = re.compile(r":\d\d(?:\.\d+)? ?(?:Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)$")
_TO_THE_DAY = {"yyyy-MM-dd", "yyyyMMdd", "M/d/yyyy", "d/M/yyyy", "MM d, yyyy"}
TIME_WORDS = {"time", "timestamp", "ts", "date", "datetime", "day", "hour", "at", "when"}
_SURE, _LIKELY = 0.99, 0.9
_FEW = 4  # values of which one may be no time
COARSE = 100  # added to the rank of what tells days alone
# A number of so many digits in these years is a moment, whatever its column is called.
SURE_UNITS = ("ms", "us")
RECENT = (1995, 2040)


class TimeFormat(NamedTuple):
    """How a column spells time, and the share of its values that are so spelled."""

    format: str
    rank: int  # the lower, the finer and the surer
    share: float = 1.0

    @property
    def words(self) -> str:
        """What to tell of it."""
        told = f"written as {self.format}"
        if self.format in UNITS:
            told = f"numbers, {self.format} since 1970"
        if self.format == ISO:
            told = "written as ISO 8601; an offset that is told counts"
        return told if self.share == 1 else f"{told}; {1 - self.share:.1%} are no such time"

    @property
    def tells_hours(self) -> bool:
        """Whether it is finer than a day."""
        return self.rank < COARSE

    @property
    def tells_minutes(self) -> bool:
        """Whether it is finer than an hour."""
        return self.format in (*UNITS, ISO) or "m" in self.format


def time_format_of(values: Sequence[str], name_words: Sequence[str]) -> TimeFormat | None:
    """How `values` spell time, but for a tenth of them at most; None where they do not.

    Bare digits may be anything: they are a time only in a column named like one, or in one
    without a name. Where two patterns fit alike, that by which the values lie closer together
    is it: of 3/4 and 3/5 one reading is two days, the other two months.
    """
    named = bool(TIME_WORDS & set(name_words))
    if not values:
        return None
    found = list(_patterns_of(values, is_bare_allowed=named or not name_words))
    if found:
        best = max(one.share for one, _ in found)
        fit = [pair for pair in found if pair[0].share >= min(best, _SURE)]
        return min(fit, key=lambda pair: (pair[1], pair[0].rank))[0]
    if named or not name_words:
        # A column that is called a time may be of any era.
        units = [(unit, (ERA[0].year, ERA[1].year) if named else RECENT) for unit in UNITS]
        return unit_of(values, units)
    return None


def tells_instant(spelling: TimeFormat, values: Sequence[str]) -> bool:
    """Whether times so spelled are moments, whatever clocks they are read on."""
    if spelling.format == ISO:
        return all(_OFFSET.search(value) for value in values)
    return spelling.format in UNITS or offset_of(spelling.format) is Offset.ALWAYS


def unit_of(
    values: Sequence[str], units: Sequence[tuple[str, tuple[int, int]]]
) -> TimeFormat | None:
    """The first unit by which the values are moments of its years."""
    for unit, years in units:
        share = _share(partial(counts_since_1970, unit=unit, years=years), values)
        if share:
            return TimeFormat(unit, 0, share)
    return None


def _patterns_of(
    values: Sequence[str], is_bare_allowed: bool
) -> Iterator[tuple[TimeFormat, float]]:
    """The patterns that fit, each with the seconds from the earliest to the latest value."""
    most = 0.0
    for rank, (spark, python, shape) in enumerate(PATTERNS, start=1):
        if spark.isalpha() and not is_bare_allowed:
            continue
        read = partial(_read, pattern=python, shape=re.compile(shape))
        share = _share(read, values)
        most = max(most, share)
        if share:
            coarse = COARSE if spark in _TO_THE_DAY else 0
            yield TimeFormat(spark, rank + coarse, share), _span(read, values)
    share = _share(_read_iso, values)
    if share > most:  # a pattern that fits as well says more
        yield TimeFormat(ISO, len(PATTERNS), share), _span(_read_iso, values)


def _share(holds: Callable[[str], object], values: Sequence[str]) -> float:
    """The share of values for which it holds; 0 where that is too few.

    Early on the sure no: most columns are no time.
    """
    if not (holds(values[0]) or holds(values[-1])):
        return 0.0
    fit = sum(bool(holds(value)) for value in values)
    is_enough = fit >= _LIKELY * len(values) or (len(values) >= _FEW and fit == len(values) - 1)
    return fit / len(values) if is_enough else 0.0


def _span(read: Callable[[str], datetime | None], values: Sequence[str]) -> float:
    moments = [m.replace(tzinfo=None) for value in values if (m := read(value))]
    return (max(moments) - min(moments)).total_seconds()


def _read(value: str, pattern: str, shape: re.Pattern[str]) -> datetime | None:
    if not shape.fullmatch(value):
        return None
    try:
        return datetime.strptime(value, pattern)
    except ValueError:
        return None


def _read_iso(value: str) -> datetime | None:
    if not _ISO_TEXT.fullmatch(value):
        return None
    try:
        return iso_moment(value)
    except ValueError:
        return None

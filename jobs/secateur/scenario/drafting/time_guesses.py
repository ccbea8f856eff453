"""Which columns tell a time, and which of them the event's own."""

import re
from collections.abc import Sequence

from secateur.scenario.drafting.columns import LogColumn
from secateur.scenario.drafting.guesses import Guess
from secateur.scenario.time_formats import UNITS, TimeFormat, time_format_of

_EARLIEST, _LATEST = 946_684_800, 1_893_456_000  # 2000 and 2030, in seconds since 1970
# A number of so many digits in these bounds is a moment, whatever its column is called.
_SURE_UNITS = ("ms", "us")
_YEARLESS = re.compile(r"(\d{1,2})([-/])(\d{1,2})(?: \d{1,2}(?::\d\d){0,2})?")
_SURE = 0.98
_OTHER_MOMENTS = {"start", "begin", "end", "stop", "first", "last", "prev", "next"} | {
    *("created", "create", "updated", "update", "publish", "published", "upload", "register"),
    *("registered", "signup", "birth", "joined", "since", "until", "expire", "expires"),
}


def time_of(column: LogColumn) -> TimeFormat | None:
    """How the column spells a time that names its year; None where it does not."""
    found = time_format_of(column.present, column.words)
    if found is None and column.numeric:
        return next((TimeFormat(u, 0) for u in _SURE_UNITS if _counts(column, u)), None)
    return found


def yearless(column: LogColumn) -> bool:
    """Whether it spells days without their year, such as 11-24 or 6/3 22:00, both parts varying."""
    found = [m for value in column.counts if (m := _YEARLESS.fullmatch(value))]
    if len(found) < _SURE * max(column.distinct, 1) or column.distinct < 2:
        return False
    months, days = ([int(m[part]) for m in found] for part in (1, 3))
    if max(months) > 12:
        months, days = days, months
    return min(months) >= 1 and max(months) <= 12 and min(days) >= 1 and max(days) <= 31


def tells_time(column: LogColumn) -> bool:
    """Whether it tells any time: such a column is neither user nor item nor input."""
    return time_of(column) is not None or yearless(column)


def guess_time(columns: Sequence[LogColumn]) -> tuple[Guess | None, TimeFormat | None]:
    """The column of the event's time, and how it is spelled; None where no column tells it.

    Of several the finest is taken, and rather one that is not named like another moment.
    """
    found = [(spelled, c) for c in columns if (spelled := time_of(c))]
    if not found:
        return None, None
    spelled, column = min(found, key=lambda pair: (_is_other_moment(pair[1]), pair[0].rank))
    others = [c.name for _, c in found if c is not column]
    also = f"; others that tell a time: {', '.join(others)}" if others else ""
    return Guess(column.name, spelled.words + also, "likely" if others else "sure"), spelled


def _is_other_moment(column: LogColumn) -> bool:
    return bool(_OTHER_MOMENTS & set(column.words))


def _counts(column: LogColumn, unit: str) -> bool:
    low, high = _EARLIEST * UNITS[unit], _LATEST * UNITS[unit]
    fit = sum(n for v, n in column.counts.items() if v.isdigit() and low <= int(v) < high)
    return fit >= _SURE * len(column.present)

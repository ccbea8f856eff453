"""Whose clocks tell the days: folders that are named by day or hour, held against their events."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from secateur.scenario.drafting.guesses import Sureness

UTC = "UTC"
_MOSTLY = 0.95
# A zone or two for most of the offsets that people live by, those that set their clocks before
# those that do not. UTC comes first, as most logs are written by it.
_ZONES = (
    *(UTC, "Europe/London", "Europe/Berlin", "Europe/Athens", "America/New_York"),
    *("America/Chicago", "America/Denver", "America/Los_Angeles", "America/Halifax"),
    *("America/Sao_Paulo", "Africa/Lagos", "Africa/Johannesburg", "Europe/Moscow", "Asia/Dubai"),
    *("Asia/Karachi", "Asia/Kolkata", "Asia/Dhaka", "Asia/Bangkok", "Asia/Shanghai"),
    *("Asia/Tokyo", "Australia/Sydney", "Australia/Brisbane", "Pacific/Auckland"),
)


class DayTold(NamedTuple):
    """The local day, and hour, that a file's name or a row's other column tells of some moments.

    `first` and `last` are the first and the last of them, with their zone.
    """

    day: str
    hour: str | None
    first: datetime
    last: datetime
    rows: int = 1


class ClocksGuess(NamedTuple):
    """The time zone, why, and how sure that is."""

    timezone: str
    comment: str


def guess_clocks(told: Iterable[DayTold], what: str = "files") -> ClocksGuess:
    """The first zone on whose clocks most of `what` lie in the days and hours told of them.

    Of times that tell no instant nothing can be told: they are the local ones already.
    """
    spans = list(told)
    fitting = {
        zone: sum(one.rows for one in spans if _holds(one, ZoneInfo(zone))) for zone in _ZONES
    }
    zone = max(_ZONES, key=lambda name: fitting[name])  # the first of several
    if not spans or zone == UTC:
        return ClocksGuess(UTC, "NOT SURE: whose clocks tell the days? such as Asia/Shanghai")
    many = sum(one.rows for one in spans)
    sure: Sureness = "likely" if fitting[zone] >= _MOSTLY * many else "NOT SURE"
    share = f"{fitting[zone]:,} of {many:,} {what} lie in the days that are told of them"
    return ClocksGuess(zone, f"{sure}: on such clocks {share}, by UTC {fitting[UTC]:,}")


def _rows_within(spans: Iterable[DayTold], zone: ZoneInfo) -> int:
    return sum(one.rows for one in spans if _holds(one, zone))


def _holds(span: DayTold, zone: ZoneInfo) -> bool:
    moments = (moment.astimezone(zone) for moment in (span.first, span.last))
    told = [(m.date().isoformat(), f"{m.hour:02d}" if span.hour else None) for m in moments]
    return told == [(span.day, span.hour)] * 2

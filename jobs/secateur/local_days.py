"""Calendar days as the clocks of a log's time zone tell them, and the milliseconds they begin at.

A day is its ISO text (2024-03-06) wherever it is a name, and a `date` where one calculates with it.
"""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

ONE_DAY = timedelta(days=1)
_HALF_HOUR_MS = 1_800_000  # of some zones the clocks are moved by


def midnight_ms(day: date, timezone: str) -> int:
    """The first millisecond (since 1970, UTC) of a day in an IANA time zone."""
    return int(datetime.combine(day, time(), ZoneInfo(timezone)).timestamp()) * 1000


def day_at(time_ms: int, timezone: str) -> date:
    """The day on which a millisecond (since 1970, UTC) falls in an IANA time zone."""
    return datetime.fromtimestamp(time_ms / 1000, ZoneInfo(timezone)).date()


def days_from(first: date, end: date) -> list[date]:
    """The days from `first` to the one before `end`."""
    return [first + n * ONE_DAY for n in range((end - first).days)]


def days_up_to(last: str, count: int) -> list[str]:
    """The `count` days that end with `last`, in their order; fewer where the calendar begins.

    By ordinals: a stray folder may be of a calendar's last day, 9999-12-31, which has no next one.
    """
    end = date.fromisoformat(last).toordinal() + 1
    return [str(date.fromordinal(n)) for n in range(max(end - count, 1), end)]


def hours_of(day: date, timezone: str) -> list[str]:
    """The hours (`00` to `23`) that clocks in an IANA time zone show on a day, each once.

    A day on which they are put forward has one less; at a calendar's ends no clock is asked.
    """
    zone = ZoneInfo(timezone)
    if not date.min < day < date.max:
        return [f"{hour:02d}" for hour in range(24)]
    first, end = midnight_ms(day, timezone), midnight_ms(day + ONE_DAY, timezone)
    shown = (datetime.fromtimestamp(ms / 1000, zone) for ms in range(first, end, _HALF_HOUR_MS))
    return sorted({f"{moment.hour:02d}" for moment in shown})

"""When others may know an event, and on which day an event asks what came before it."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from pyspark.sql import Column
from pyspark.sql import functions as F  # noqa: N812

_ONE_DAY = timedelta(days=1)


def known_from(timezone: str) -> Column:
    """The millisecond after which others may know an event, by its `time_ms` and `day`.

    It is the event's own, or, where it came late, the last one before the day that it arrived on.
    """
    midnight = F.to_utc_timestamp(F.to_date("day").cast("timestamp"), timezone)
    return F.greatest("time_ms", F.unix_millis(midnight) - 1)


def late_rows(
    time_ms: NDArray[np.int64], day: str, timezone: str
) -> Iterator[tuple[str, NDArray[np.int64]]]:
    """Of the events that came on a day, those of earlier days: each such day with its rows."""
    zone = ZoneInfo(timezone)
    late = np.flatnonzero(time_ms < _midnight_ms(date.fromisoformat(day), zone))
    if not len(late):
        return
    times = time_ms[late]
    first = datetime.fromtimestamp(int(times.min()) / 1000, zone).date()
    days = _days_until(first, date.fromisoformat(day))
    places = np.searchsorted([_midnight_ms(d, zone) for d in days], times, side="right") - 1
    for place in np.unique(places):
        yield str(days[place]), late[places == place]


def midnights(
    time_ms: NDArray[np.int64], days: Sequence[str], timezone: str
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The first millisecond of each day from the first to the last of events that came on `days`,
    and the place of each of `days` among them."""
    zone = ZoneInfo(timezone)
    came = [date.fromisoformat(day) for day in days]
    ends = (int(time_ms.min()), int(time_ms.max()))
    happened = [datetime.fromtimestamp(ms / 1000, zone).date() for ms in ends]
    first, last = min(came + happened), max(came + happened)
    starts = [_midnight_ms(day, zone) for day in _days_until(first, last + _ONE_DAY)]
    return np.array(starts), np.array([(day - first).days for day in came])


def _days_until(first: date, end: date) -> list[date]:
    return [first + n * _ONE_DAY for n in range((end - first).days)]


def _midnight_ms(day: date, zone: ZoneInfo) -> int:
    return int(datetime.combine(day, time(), zone).timestamp()) * 1000

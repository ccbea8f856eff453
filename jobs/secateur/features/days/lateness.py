"""When others may know an event, and on which day an event asks what came before it."""

from collections.abc import Iterator, Sequence
from datetime import date

import numpy as np
from numpy.typing import NDArray
from pyspark.sql import Column
from pyspark.sql import functions as F  # noqa: N812

from secateur.local_days import ONE_DAY, day_at, days_from, midnight_ms


def known_from(timezone: str) -> Column:
    """The millisecond after which others may know an event, by its `time_ms` and `day`.

    It is the event's own, or, where it came late, the last one before the day that it arrived on.
    """
    midnight = F.to_utc_timestamp(F.to_date("day").cast("timestamp"), timezone)
    return F.greatest("time_ms", F.unix_millis(midnight) - 1)


def came_late(timezone: str) -> Column:
    """Whether an event happened on an earlier day than it arrived on, by `time_ms` and `day`."""
    midnight = F.to_utc_timestamp(F.to_date("day").cast("timestamp"), timezone)
    return F.col("time_ms") < F.unix_millis(midnight)


def late_rows(
    time_ms: NDArray[np.int64], day: str, timezone: str
) -> Iterator[tuple[str, NDArray[np.int64]]]:
    """Each earlier day of which events came on `day`, with their rows (int64).

    `time_ms` (int64 [n]) are the times of all events that came on that day.
    """
    late = np.flatnonzero(time_ms < midnight_ms(date.fromisoformat(day), timezone))
    if not len(late):
        return
    times = time_ms[late]
    days = days_from(day_at(int(times.min()), timezone), date.fromisoformat(day))
    places = np.searchsorted([midnight_ms(d, timezone) for d in days], times, side="right") - 1
    for place in np.unique(places):
        yield str(days[place]), late[places == place]


def midnights(
    time_ms: NDArray[np.int64], days: Sequence[str], timezone: str
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The first millisecond (int64 [m]) of every day from the first to the last of these events.

    `time_ms` (int64 [n]) are the events' own times, `days` those on which they came. Gives the
    place of each of `days` among the m days too (int64).
    """
    came = [date.fromisoformat(day) for day in days]
    happened = [day_at(int(ms), timezone) for ms in (time_ms.min(), time_ms.max())]
    first, last = min(came + happened), max(came + happened)
    starts = [midnight_ms(day, timezone) for day in days_from(first, last + ONE_DAY)]
    return np.array(starts), np.array([(day - first).days for day in came])

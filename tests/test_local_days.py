"""Days of a time zone, by hand and against pandas' own calendar."""

from datetime import date

import pandas as pd
import pytest

from secateur.local_days import day_at, days_from, days_up_to, midnight_ms

HOUR_MS = 3_600_000
# The clocks of New York went forward on March 10 and back on November 3.
DAYS = [("2024-03-09", 24), ("2024-03-10", 23), ("2024-11-03", 25)]


@pytest.mark.parametrize(("day", "hours"), DAYS)
def test_a_day_is_as_long_as_its_clocks_tell(day: str, hours: int) -> None:
    first = date.fromisoformat(day)
    start, end = (midnight_ms(one, "America/New_York") for one in (first, date(*_next(first))))
    assert end - start == hours * HOUR_MS
    assert start == pd.Timestamp(day, tz="America/New_York").value // 1_000_000
    assert [day_at(ms, "America/New_York") == first for ms in (start - 1, start, end - 1, end)] == [
        False,
        True,
        True,
        False,
    ]


def _next(day: date) -> tuple[int, int, int]:
    after = pd.Timestamp(day) + pd.Timedelta(days=1)
    return after.year, after.month, after.day


def test_days_are_counted_back_over_a_leap_day() -> None:
    assert days_up_to("2024-03-01", 3) == ["2024-02-28", "2024-02-29", "2024-03-01"]
    assert days_up_to("2023-03-01", 2) == ["2023-02-28", "2023-03-01"]
    assert days_from(date(2024, 2, 29), date(2024, 2, 29)) == []

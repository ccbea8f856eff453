"""Hours and weekdays are those of the zone's clocks, also where clocks are set."""

from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from secateur.encoding.event_time import time_parts

ZONES = ("UTC", "Asia/Shanghai", "Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe")


@pytest.mark.parametrize("zone", ZONES)
def test_each_moment_of_a_year_has_its_hour_and_weekday(zone: str) -> None:
    start = int(datetime(2024, 1, 1, tzinfo=ZoneInfo("UTC")).timestamp() * 1000)
    times = start + np.arange(0, 366 * 86_400_000, 1_000_003)
    local = [datetime.fromtimestamp(ms / 1000, ZoneInfo(zone)) for ms in times.tolist()]
    assert time_parts(times, "hour_of_day", zone).tolist() == [one.hour for one in local]
    assert time_parts(times, "day_of_week", zone).tolist() == [one.isoweekday() for one in local]


def test_a_moment_before_1970_has_them_too() -> None:
    assert time_parts(np.array([-1]), "hour_of_day", "UTC").tolist() == [23]
    assert time_parts(np.array([-1]), "day_of_week", "UTC").tolist() == [3]

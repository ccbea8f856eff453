"""A run's window ends with the day that its own date asks for, by the log's own clock."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from secateur_airflow.run_day import day_of, schedule_in
from secateur_airflow.verb import parameters_of


def run(kind: str, end: datetime | None, conf: dict[str, Any] | None = None) -> Any:
    return SimpleNamespace(run_type=kind, data_interval_end=end, conf=conf)


@pytest.mark.parametrize(
    ("end", "timezone", "day"),
    [
        (datetime(2024, 3, 6, 3, tzinfo=UTC), "UTC", "2024-03-05"),
        (datetime(2024, 3, 6, 0, tzinfo=UTC), "UTC", "2024-03-05"),
        # Three in the morning in Shanghai is still the day before in UTC.
        (datetime(2024, 3, 5, 19, tzinfo=UTC), "Asia/Shanghai", "2024-03-05"),
        (datetime(2024, 3, 6, 8, tzinfo=UTC), "America/New_York", "2024-03-05"),
        # Clocks of São Paulo had no midnight on 2018-11-04, and two at the end of 2018-02-17.
        (datetime(2018, 11, 4, 3, tzinfo=UTC), "America/Sao_Paulo", "2018-11-03"),
        (datetime(2018, 11, 4, 2, 59, tzinfo=UTC), "America/Sao_Paulo", "2018-11-02"),
        (datetime(2018, 2, 18, 2, 30, tzinfo=UTC), "America/Sao_Paulo", "2018-02-16"),
        (datetime(2018, 2, 18, 3, tzinfo=UTC), "America/Sao_Paulo", "2018-02-17"),
        # Dublin's winter is the one with a negative offset.
        (datetime(2024, 3, 31, 2, tzinfo=UTC), "Europe/Dublin", "2024-03-30"),
        (datetime(2024, 2, 29, 23, 30, tzinfo=UTC), "Europe/Dublin", "2024-02-28"),
        (datetime(2024, 3, 1, 0, tzinfo=UTC), "Europe/Dublin", "2024-02-29"),
        # The night after the day of 23 hours.
        (datetime(2024, 4, 1, 1, tzinfo=UTC), "Europe/Berlin", "2024-03-31"),
    ],
)
def test_the_day_is_the_last_whole_one_before_the_interval_ends(
    end: datetime, timezone: str, day: str
) -> None:
    assert day_of(run("scheduled", end), timezone) == day
    assert day_of(run("backfill", end), timezone) == day


def test_a_run_that_a_person_triggers_has_no_day_of_its_own() -> None:
    assert day_of(run("manual", datetime(2024, 3, 6, tzinfo=UTC)), "UTC") is None
    assert day_of(run("scheduled", None), "UTC") is None


def test_three_dates_of_a_backfill_are_three_windows_on_a_channel_of_its_own() -> None:
    ends = [datetime(2024, 3, day, 3, tzinfo=UTC) for day in (4, 5, 6)]
    made: list[Any] = [
        {"dag_run": run("backfill", end), "params": {"last_day": None, "channel": "latest"}}
        for end in ends
    ]
    found = [parameters_of(context, "UTC") for context in made]
    assert [one["last_day"] for one in found] == ["2024-03-03", "2024-03-04", "2024-03-05"]
    assert {one["channel"] for one in found} == {"backfill"}
    unnamed = run("backfill", ends[0], {"channel": None})
    nobodys: Any = {"dag_run": unnamed, "params": {"channel": None}}
    assert parameters_of(nobodys, "UTC")["channel"] == "backfill"


def test_a_backfill_that_names_a_channel_or_a_day_gets_it() -> None:
    conf = {"channel": "latest", "last_day": "2024-02-01"}
    asked: Any = {
        "dag_run": run("backfill", datetime(2024, 3, 6, tzinfo=UTC), conf),
        "params": conf,
    }
    assert parameters_of(asked, "UTC") == conf


def test_the_schedule_goes_by_the_logs_own_clock() -> None:
    timetable: Any = schedule_in("Asia/Shanghai", "0 3 * * *")
    assert str(timetable.timezone) == "Asia/Shanghai"
    assert schedule_in("UTC", "") is None

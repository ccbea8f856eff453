"""The window of a log without day folders is the run's, and no stray row moves it."""

import pytest

from secateur.contracts.errors import NotDelivered, Refused
from secateur.events.reading.plausible_days import newest_plausible_day
from secateur.events.selection.flat_window import flat_window
from secateur.scenario import Logs

SIX = {f"2024-03-0{day}": 40 for day in range(1, 7)}


def logs(**keys: object) -> Logs:
    made = {"uri": "x", "user": "u", "item": "i", "time": "t", "layout": "flat", "window_days": 6}
    return Logs.model_validate({**made, **keys})


@pytest.mark.parametrize(
    "stray",
    [
        {},
        {"2038-01-19": 1},
        {"2024-03-07": 1},  # tomorrow
        {"1970-01-01": 3},
        {f"20{year}-01-01": 1 for year in range(30, 60)},  # more days than the log's own
        {"2038-01-18": 1, "2038-01-19": 1, "2999-12-31": 1},
        {"2038-01-18": 40, "2038-01-19": 40},  # as many rows as the log's days have
        {"9999-12-30": 40},
    ],
)
def test_stray_rows_move_no_window(stray: dict[str, int]) -> None:
    found = flat_window(SIX | stray, logs())
    assert (found.days, found.end) == (tuple(SIX), "2024-03-06")


def test_a_poor_day_is_a_day_and_a_twentieth_is_enough() -> None:
    assert newest_plausible_day(SIX | {"2024-03-07": 2}, logs()) == "2024-03-07"
    assert newest_plausible_day({"2024-03-01": 1}, logs()) == "2024-03-01"
    feast = {f"2024-03-0{day}": 10 for day in range(1, 7)} | {"2024-02-29": 100_000}
    assert newest_plausible_day(feast, logs()) == "2024-03-06"


def test_a_log_that_grew_ends_where_it_ends() -> None:
    grown = {f"2024-{month:02}-{day:02}": 10**month for month in range(1, 7) for day in (1, 2, 3)}
    assert newest_plausible_day(grown, logs(window_days=3)) == "2024-06-03"


def test_days_behind_a_long_gap_are_the_logs_own_once_they_fill_a_window() -> None:
    later = {f"2024-05-0{day}": 40 for day in range(1, 7)}
    assert newest_plausible_day(SIX | later, logs()) == "2024-05-06"
    del later["2024-05-06"]
    assert newest_plausible_day(SIX | later, logs()) == "2024-03-06"


def test_a_gap_of_closed_days_is_none() -> None:
    weekdays = {f"2024-03-{day:02}": 40 for day in (1, 4, 5, 6, 7, 8, 11)}
    shut = logs(window_days=2, closed=["saturday", "sunday"])
    assert newest_plausible_day(weekdays, shut) == "2024-03-11"
    two_open = logs(window_days=2)
    assert newest_plausible_day(weekdays, two_open) == "2024-03-08"


def test_the_runs_day_ends_the_window_and_later_rows_are_of_later_nights() -> None:
    found = flat_window(SIX | {"2038-01-19": 1}, logs(last_day="2024-03-04", window_days=2))
    assert (found.days, found.end) == (("2024-03-03", "2024-03-04"), "2024-03-06")


def test_a_given_day_may_be_poor_and_then_validation_tells() -> None:
    found = flat_window(SIX | {"2024-03-08": 1}, logs(last_day="2024-03-08"))
    assert found.days == (*list(SIX)[2:], "2024-03-08")


def test_a_day_without_a_row_is_no_night() -> None:
    with pytest.raises(NotDelivered, match=r"no row of the last day, 2024-03-09: .* 2024-03-06"):
        flat_window(SIX, logs(last_day="2024-03-09"))
    with pytest.raises(Refused, match="no row of the last day, 2024-03-09"):
        flat_window(SIX | {"2024-03-10": 40}, logs(last_day="2024-03-09"))
    shut = logs(last_day="2024-03-09", closed=["saturday"])
    assert flat_window(SIX, shut).days == tuple(SIX)[3:]


def test_days_without_a_row_are_told(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("WARNING", "secateur"):
        flat_window({day: rows for day, rows in SIX.items() if day != "2024-03-03"}, logs())
    assert "1 days of the window have no row: 2024-03-03" in caplog.text


def test_the_default_window_asks_no_clock() -> None:
    years_ago = {day.replace("2024", "1999"): rows for day, rows in SIX.items()}
    assert flat_window(years_ago, logs()).end == "1999-03-06"

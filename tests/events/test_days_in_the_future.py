"""A day's folder that is stray moves no window, in any layout; files that are skipped are told."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bad_input_page import told_cases
from secateur.contracts.data import RunWindow, SkippedFiles
from secateur.contracts.errors import NotDelivered, Refused
from secateur.events.raw_files import find_window
from secateur.scenario import Logs
from small_log import DAYS

ROW = b"raw-user-1,3,1709380800000,1,home,5\n"
LAYOUTS = {
    "day": ({}, "date={day}/log.csv"),
    "day_names": ({"file_names": "yyyy-MM-dd"}, "log-{day}.csv"),
    "hour": ({"layout": "hour"}, "date={day}/hour={hour:02}/log.csv"),
    "hour_names": ({"layout": "hour", "file_names": "yyyy-MM-dd-HH"}, "log-{day}-{hour:02}.csv"),
}


class Days:
    """Files of days in one layout."""

    def __init__(self, folder: Path, layout: str) -> None:
        self.folder = folder
        self.keys, self.name = LAYOUTS[layout]
        for day in DAYS:
            self.put(day, 40)

    def put(self, day: str, rows: int, hours: int = 24) -> None:
        """Write a day; one without hours in its layout has one file."""
        for hour in range(hours if "hour" in self.name else 1):
            file = self.folder / "events" / self.name.format(day=day, hour=hour)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(ROW * rows)

    def window(self, **keys: object) -> RunWindow:
        """What a night would read."""
        own = {"uri": "x", "user": "uid", "item": "item", "time": "at", "window_days": 6}
        return find_window(Logs.model_validate({**own, **self.keys, **keys}), str(self.folder))


@pytest.fixture(params=LAYOUTS)
def days(request: pytest.FixtureRequest, tmp_path: Path) -> Days:
    return Days(tmp_path, request.param)


def years_ahead(days: Days) -> None:
    days.put("2027-01-01", 40)


def two_years_ahead(days: Days) -> None:
    days.put("2027-01-01", 40)
    days.put("2028-01-01", 40)


def tomorrow_begun(days: Days) -> None:
    days.put("2024-03-07", 1, hours=1)


def soon_and_nearly_empty(days: Days) -> None:
    days.put("2024-03-09", 1, hours=1)


STRAY: dict[Callable[[Days], None], tuple[str, ...]] = {
    years_ahead: ("2027-01-01",),
    two_years_ahead: ("2027-01-01", "2028-01-01"),
    tomorrow_begun: ("2024-03-07",),
    soon_and_nearly_empty: ("2024-03-09",),
}


@pytest.mark.parametrize("stray", STRAY, ids=lambda stray: stray.__name__)
def test_a_stray_day_moves_no_window(
    stray: Callable[[Days], None], days: Days, caplog: pytest.LogCaptureFixture
) -> None:
    stray(days)
    found = days.window()
    assert (found.days, found.last_day) == (DAYS, DAYS[-1])
    assert tuple(found.skipped.future) == STRAY[stray]
    assert f"in the future, {', '.join(STRAY[stray])}: the log ends {DAYS[-1]}" in caplog.text
    assert days.window(last_day=DAYS[3], window_days=4).skipped == found.skipped


@pytest.mark.parametrize("end", ["0001-01-01", "9999-12-31"])
@pytest.mark.parametrize("layout", ["day", "hour"])
def test_a_day_at_an_end_of_the_calendar_is_a_stray_one(
    tmp_path: Path, end: str, layout: str
) -> None:
    """Some tables write rows without a date there."""
    for day in (*DAYS, end):
        for hour in range(24 if layout == "hour" else 1):
            hours = f"hour={hour:02d}/" if layout == "hour" else ""
            file = tmp_path / "events" / f"date={day}" / hours / "log.csv"
            file.parent.mkdir(parents=True)
            file.write_bytes(ROW * 40)
    said = {"user": "u", "item": "i", "time": "t", "uri": str(tmp_path), "layout": layout}
    logs = Logs.model_validate(said | {"window_days": len(DAYS), "timezone": "Asia/Shanghai"})
    assert find_window(logs, str(tmp_path)).days == DAYS


def test_a_day_that_a_run_asks_for_is_not_in_the_future(days: Days) -> None:
    days.put("2027-01-01", 40)
    asked = days.window(last_day="2027-01-01", window_days=1)
    assert asked == RunWindow(("2027-01-01",), "2027-01-01")
    with pytest.raises(NotDelivered, match="its newest day is 2024-03-06"):
        days.window(last_day="2024-03-07")


def test_a_day_behind_a_gap_is_no_stray_one(days: Days) -> None:
    days.put("2024-03-09", 40)
    with pytest.raises(Refused, match="2 of the 6 days up to 2024-03-09 have no file"):
        days.window()


def test_hidden_files_are_counted_in_every_layout(days: Days) -> None:
    for name in ("_SUCCESS", "_temporary/0/part-0.csv", "x.csv.tmp"):
        file = days.folder / "events" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(ROW)
    assert days.window().skipped == SkippedFiles(hidden=3)
    assert days.window(layout="flat", file_names=None).skipped == SkippedFiles(hidden=3)


def test_the_page_tells_of_every_stray_day() -> None:
    told = told_cases("Days in the future")
    assert told == {
        stray.__name__: f"skipped: `in the future, {', '.join(found)}: the log ends 2024-03-06`"
        for stray, found in STRAY.items()
    }

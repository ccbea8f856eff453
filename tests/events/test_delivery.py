"""A day is delivered when its scenario's rule says so; until then no night ends with it."""

import os
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest

from secateur.contracts.errors import NotDelivered, Refused
from secateur.events.delivery import digest_of_files
from secateur.events.raw_files import find_window, open_log
from secateur.scenario import Logs

NOON = 1_710_000_000.0
DAYS = [f"2024-03-0{n}" for n in range(1, 5)]
Deliver = Callable[..., Path]


def logs(folder: Path, **keys: object) -> Logs:
    said: dict[str, object] = {"user": "u", "item": "i", "time": "t", "window_days": 2}
    return Logs.model_validate(said | {"uri": str(folder)} | keys)


def window_days(rules: Logs, uri: str, now: float | None = None) -> tuple[str, ...]:
    return find_window(rules, uri, now).days


@pytest.fixture
def deliver(tmp_path: Path) -> Deliver:
    def write(day: str, name: str = "part.csv", modified: float = NOON - 7200) -> Path:
        path = tmp_path / "events" / f"date={day}" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("" if name.startswith("_") else f"u,i,t\n1,2,{day}{name}\n")
        os.utime(path, (modified, modified))
        return path

    for day in DAYS:
        write(day)
    return write


def test_a_day_without_its_marker_is_not_delivered(tmp_path: Path, deliver: Deliver) -> None:
    marked = logs(tmp_path, marker="_SUCCESS")
    with pytest.raises(NotDelivered, match="no day that is whole yet"):
        window_days(marked, str(tmp_path))
    for day in DAYS[:3]:
        deliver(day, "_SUCCESS")
    assert window_days(marked, str(tmp_path)) == ("2024-03-02", "2024-03-03")
    assert open_log(marked, str(tmp_path), tmp_path / "s").days == ("2024-03-02", "2024-03-03")
    asked = marked.model_copy(update={"last_day": "2024-03-04"})
    with pytest.raises(NotDelivered, match="not all of 2024-03-04 yet: its folder has no _SUCCESS"):
        window_days(asked, str(tmp_path))
    assert window_days(logs(tmp_path), str(tmp_path))[-1] == "2024-03-04"  # no rule, as before


def test_a_day_in_the_window_that_is_not_whole_is_refused(tmp_path: Path, deliver: Deliver) -> None:
    for day in (DAYS[1], DAYS[3]):
        deliver(day, "_SUCCESS")
    with pytest.raises(Refused, match=r"1 days of the window are not whole: .*2024-03-03"):
        window_days(logs(tmp_path, marker="_SUCCESS"), str(tmp_path))


def test_a_day_is_delivered_once_its_files_are_quiet(tmp_path: Path, deliver: Deliver) -> None:
    quiet = logs(tmp_path, quiet_minutes=30)
    deliver(DAYS[3], "more.csv", modified=NOON - 60)
    assert window_days(quiet, str(tmp_path), NOON)[-1] == "2024-03-03"
    assert window_days(quiet, str(tmp_path), NOON + 1800)[-1] == "2024-03-04"
    asked = quiet.model_copy(update={"last_day": "2024-03-04"})
    with pytest.raises(NotDelivered, match="a file was written less than 30 minutes ago"):
        window_days(asked, str(tmp_path), NOON)


def test_an_hourly_day_is_delivered_once_all_its_hours_are_there(tmp_path: Path) -> None:
    hourly = logs(tmp_path, layout="hour", timezone="Europe/Berlin", window_days=1)
    # On the last day of March 2024 the clocks of Berlin had no hour from 2 to 3.
    first = date(2024, 3, 30)
    for day in (first, first + timedelta(1)):
        for hour in range(24):
            if (day, hour) not in [(first + timedelta(1), 2), (first + timedelta(1), 23)]:
                path = tmp_path / "events" / f"date={day}" / f"hour={hour:02d}" / "p.csv"
                path.parent.mkdir(parents=True)
                path.write_text(f"u,i,t\n1,2,{day}{hour}\n")
    assert window_days(hourly, str(tmp_path)) == ("2024-03-30",)
    asked = hourly.model_copy(update={"last_day": "2024-03-31"})
    with pytest.raises(NotDelivered, match="2024-03-31 yet: 1 hours have no file: 23"):
        window_days(asked, str(tmp_path))


def test_files_are_told_apart_by_size_time_and_name(tmp_path: Path, deliver: Deliver) -> None:
    rules, uri = logs(tmp_path), str(tmp_path)

    def digest(days: list[str], lookback: int = 0) -> str:
        return digest_of_files(rules, uri, days, lookback)

    before = digest(DAYS[2:]), digest(DAYS[2:], 1)
    deliver(DAYS[1], modified=NOON)
    assert digest(DAYS[2:]) == before[0]
    assert digest(DAYS[2:], 1) != before[1]  # a repetition of that day would be told
    deliver(DAYS[3], modified=NOON)
    assert digest(DAYS[2:]) != before[0]


def test_a_file_that_comes_again_while_the_night_begins_is_waited_for(
    tmp_path: Path, deliver: Deliver
) -> None:
    quiet = logs(tmp_path, quiet_minutes=30, last_day="2024-03-04")
    deliver(DAYS[2], "late.csv", modified=NOON - 60)
    with pytest.raises(NotDelivered, match=r"not whole: .*2024-03-03: a file was written less"):
        window_days(quiet, str(tmp_path), NOON)
    assert window_days(quiet, str(tmp_path), NOON + 1800) == tuple(DAYS[2:])


def test_a_flat_log_is_delivered_once_its_files_are_quiet(tmp_path: Path, deliver: Deliver) -> None:
    flat = logs(tmp_path, layout="flat", quiet_minutes=30)
    deliver(DAYS[3], "late.csv", modified=NOON - 60)
    with pytest.raises(NotDelivered, match="a file was written less than 30 minutes ago"):
        find_window(flat, str(tmp_path), NOON)
    assert find_window(flat, str(tmp_path), NOON + 1800).last_day is None
    deliver(DAYS[3], "ahead.csv", modified=NOON + 60)  # by another clock
    assert find_window(flat.model_copy(update={"quiet_minutes": 0}), str(tmp_path), NOON)


def test_a_day_on_which_the_site_is_closed_asks_for_the_one_before(
    tmp_path: Path, deliver: Deliver
) -> None:
    """2024-03-04 was a Monday; no night of a Tuesday or a Wednesday waits for what never comes."""
    closed = {"closed": ["tuesday", "wednesday"]}
    for last in ("2024-03-05", "2024-03-06"):
        found = find_window(logs(tmp_path, last_day=last, **closed), str(tmp_path))
        assert (found.days, found.last_day) == (tuple(DAYS[2:]), "2024-03-04")
    with pytest.raises(NotDelivered, match="has no 2024-03-07 yet"):
        window_days(logs(tmp_path, last_day="2024-03-07", **closed), str(tmp_path))
    deliver("2024-03-05")  # it was open after all
    open_once = logs(tmp_path, last_day="2024-03-05", **closed)
    assert window_days(open_once, str(tmp_path)) == ("2024-03-04", "2024-03-05")


def test_a_window_that_ends_before_it_begins_says_so(tmp_path: Path, deliver: Deliver) -> None:
    with pytest.raises(Refused, match="first_day 2024-03-05 is after 2024-03-04, with which it en"):
        window_days(logs(tmp_path, first_day="2024-03-05"), str(tmp_path))


def test_a_marker_is_no_event_file_however_it_is_named(tmp_path: Path, deliver: Deliver) -> None:
    for day in DAYS:
        deliver(day, "DONE")
    deliver("2024%2D03%2D05")  # as some writers spell it
    deliver("2024%2D03%2D05", "DONE")
    marked = logs(tmp_path, marker="DONE")
    assert window_days(marked, str(tmp_path)) == ("2024-03-04", "2024-03-05")
    read = open_log(marked, str(tmp_path), tmp_path / "s")
    assert {Path(file.key).name for file in read.events} == {"part.csv"}


@pytest.mark.parametrize("layout", [{"layout": "flat"}, {"file_names": "yyyy-MM-dd"}])
def test_a_marker_wants_a_folder_a_day(tmp_path: Path, layout: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="a file in a day's folder"):
        logs(tmp_path, marker="_SUCCESS", **layout)

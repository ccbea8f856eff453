"""How a column spells time; the texts are made by Python's own clock."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from secateur.scenario.drafting.times.time_spellings import PATTERNS, time_format_of
from secateur.scenario.drafting.times.years import guess_year, yearless_format_of
from secateur.scenario.raw_log.times import time_reader
from secateur.scenario.time_formats import UNITS

MOMENTS = [datetime(2024, 1, 3, 1, 2, 3, tzinfo=UTC) + timedelta(hours=61 * n) for n in range(40)]
AMBIGUOUS = {"M/d/yyyy H:mm:ss", "d/M/yyyy H:mm:ss"}


@pytest.mark.parametrize("unit", UNITS)
def test_counts_since_1970_are_told_by_their_size(unit: str) -> None:
    values = [str(int(moment.timestamp() * UNITS[unit])) for moment in MOMENTS]
    found = time_format_of(values, ("event", "time"))
    assert found is not None
    assert found.format == unit


@pytest.mark.parametrize(("spark", "python"), [(p[0], p[1]) for p in PATTERNS])
def test_a_written_time_is_told_by_its_pattern(spark: str, python: str) -> None:
    values = [moment.strftime(python) for moment in MOMENTS]
    found = time_format_of(values, ("time",))
    assert found is not None
    assert found.format == spark


def test_some_faults_do_not_hide_a_time_and_are_told_and_many_do() -> None:
    values = [moment.strftime("%Y-%m-%d %H:%M:%S") for moment in MOMENTS] * 5
    found = time_format_of([*values, *["never"] * 10], ("at",))
    assert found is not None
    assert found.words.endswith("; 4.8% are no such time")
    assert time_format_of([*values, *["never"] * 40, *values[:5]], ("at",)) is None
    assert time_format_of(["2024-03-01", "2024-03-02", "unknown", "2024-03-04"], ()) is not None


OFFSETS = ("Z", "+08:00", "+0800", " +08:00", "-03", "")


@pytest.mark.parametrize("offset", OFFSETS)
@pytest.mark.parametrize("fraction", ["", ".5", ".250", ".123456"])
def test_an_offset_or_a_fraction_makes_it_iso(offset: str, fraction: str) -> None:
    values = [f"{moment:%Y-%m-%dT%H:%M:%S}{fraction}{offset}" for moment in MOMENTS]
    found = time_format_of(values, ("at",))
    assert found is not None
    assert found.format == ("iso" if offset or fraction else "yyyy-MM-dd'T'HH:mm:ss")
    read = time_reader("iso", "UTC")
    assert read is not None
    assert all(map(read, values))


def test_offsets_in_some_values_alone_make_it_iso() -> None:
    values = [f"{moment:%Y-%m-%d %H:%M:%S}" for moment in MOMENTS]
    values[::4] = [f"{value}+08:00" for value in values[::4]]
    found = time_format_of(values, ("at",))
    assert found is not None
    assert found.format == "iso"


def test_of_two_readings_the_one_of_fewer_days_is_taken() -> None:
    days = [f"{n}/4/2024" for n in range(1, 11)]
    found = time_format_of(days, ("date",))
    assert found is not None
    assert found.format == "d/M/yyyy"


YEARLESS = {
    "M-d": [f"11-{day}" for day in range(1, 30)] + ["12-1"],
    "d/M": [f"{day}/11" for day in range(1, 30)] + ["1/12"],
    "MM-dd HH:mm": [f"{month:02d}-24 09:30" for month in (1, 2, 3)] + ["01-05 10:00"],
    "M/d H:mm:ss": [f"6/{day} 9:30:01" for day in range(1, 9)] + ["7/1 22:00:00"],
    "MMdd": ["0829", "1111", "0630"],
}


@pytest.mark.parametrize("spelled", YEARLESS)
def test_days_without_a_year_are_told(spelled: str) -> None:
    found = yearless_format_of(YEARLESS[spelled], ("time", "stamp"))
    assert found is not None
    assert found.format == spelled
    assert found.tells_hours == ("H" in spelled)
    read = time_reader(spelled, "UTC", 2024)
    assert read is not None
    assert all(map(read, YEARLESS[spelled]))


def test_prices_and_plain_numbers_are_no_days() -> None:
    assert yearless_format_of(["3.5", "10.2", "4.1"], ()) is None
    assert yearless_format_of(["829", "1111", "630"], ("brand", "id")) is None


def test_the_year_is_the_file_names_or_the_last_in_which_the_days_are_past(tmp_path: Path) -> None:
    values = ["11-24", "11-30"]
    for name, year in {"clicks_2014.csv": 2014, "clicks.csv": 2019}.items():
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (1_583_000_000, 1_583_000_000))  # in February 2020
        found = guess_year(values, "MM-dd", tmp_path / name)
        assert (found.year, found.decide) == (year, "")
    turn = guess_year(["12-30", "01-02"], "MM-dd", tmp_path / "clicks.csv")
    assert "over New Year" in turn.decide


def test_bare_digits_are_a_time_only_under_a_times_name_or_none() -> None:
    values = ["20240101", "20240102", "20240228"]
    assert time_format_of(values, ("date",)) is not None
    assert time_format_of(values, ()) is not None
    assert time_format_of(values, ("product", "code")) is None
    assert time_format_of(["20241301"], ("date",)) is None, "there is no thirteenth month"


def test_nothing_is_no_time() -> None:
    assert time_format_of([], ("time",)) is None

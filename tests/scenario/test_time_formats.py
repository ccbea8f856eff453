"""How a column spells time; the texts are made by Python's own clock."""

from datetime import UTC, datetime, timedelta

import pytest

from secateur.scenario.time_formats import PATTERNS, UNITS, time_format_of

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
    if ".SSS" in spark and "SSSSSS" not in spark:
        values = [value.replace("000000", "000") for value in values]
    if "XXX" in spark:
        values = [value.replace("+0000", "+00:00") for value in values]
    found = time_format_of(values, ("time",))
    assert found is not None
    assert found.format == spark


def test_a_hundredth_of_faults_does_not_hide_a_time_and_a_tenth_does() -> None:
    values = [moment.strftime("%Y-%m-%d %H:%M:%S") for moment in MOMENTS] * 5
    assert time_format_of([*values, "never", *values], ("at",)) is not None
    assert time_format_of([*values[:90], *["never"] * 10, *values[:5]], ("at",)) is None


def test_bare_digits_are_a_time_only_under_a_times_name_or_none() -> None:
    values = ["20240101", "20240102", "20240228"]
    assert time_format_of(values, ("date",)) is not None
    assert time_format_of(values, ()) is not None
    assert time_format_of(values, ("product", "code")) is None
    assert time_format_of(["20241301"], ("date",)) is None, "there is no thirteenth month"


def test_nothing_is_no_time() -> None:
    assert time_format_of([], ("time",)) is None

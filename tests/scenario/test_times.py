"""Times are read as Spark's patterns say, without Spark."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from secateur.scenario.drafting.times.time_spellings import PATTERNS
from secateur.scenario.raw_log.times import time_reader

MOMENT = datetime(2024, 3, 31, 13, 4, 5, 250_000)


@pytest.mark.parametrize(("spark", "python", "_shape"), PATTERNS)
def test_every_pattern_that_a_draft_knows_is_read_as_python_reads_it(
    spark: str, python: str, _shape: str
) -> None:
    text = MOMENT.replace(tzinfo=UTC).strftime(python)
    expected = datetime.strptime(text, python)
    expected = expected.replace(tzinfo=UTC) if spark.endswith("z") else expected
    read = time_reader(spark, "Asia/Shanghai")
    assert read is not None
    found = read(text)
    assert found is not None
    if expected.tzinfo:
        assert found == expected
        assert found.utcoffset() == timedelta(hours=8)
    else:
        assert found.replace(tzinfo=None) == expected


@pytest.mark.parametrize(
    ("time_format", "text", "expected"),
    [
        ("s", "1704067200", datetime(2024, 1, 1, tzinfo=UTC)),
        ("us", "1704067200000000", datetime(2024, 1, 1, tzinfo=UTC)),
        ("s", "1704067200.5", datetime(2024, 1, 1, 0, 0, 0, 500_000, UTC)),
        ("iso", "2024-01-01T00:00:00.5Z", datetime(2024, 1, 1, 0, 0, 0, 500_000, UTC)),
        ("iso", "2024-01-01", datetime(2024, 1, 1, tzinfo=UTC)),
        ("dd MMM yyyy 'at' H:mm", "01 Feb 2024 at 7:30", datetime(2024, 2, 1, 7, 30, tzinfo=UTC)),
        ("M/d/yyyy h a", "1/2/2024 12 AM", datetime(2024, 1, 2, tzinfo=UTC)),
        (
            "yyyy-MM-dd HH:mm:ssXXX",
            "2024-01-01 08:00:00+08:00",
            datetime(2024, 1, 1, 8, tzinfo=timezone(timedelta(hours=8))),
        ),
    ],
)
def test_units_and_patterns(time_format: str, text: str, expected: datetime) -> None:
    read = time_reader(time_format, "UTC")
    assert read is not None
    assert read(text) == expected
    assert read("no time") is None
    assert read("") is None


def test_a_pattern_without_a_year_is_read_in_the_year_that_is_known() -> None:
    assert time_reader("MM-dd", "UTC") is None
    read = time_reader("MM-dd", "UTC", 2020)
    assert read is not None
    assert read("02-29") == datetime(2020, 2, 29, tzinfo=UTC)
    assert read("02-30") is None


def test_what_is_not_known_is_not_tried() -> None:
    assert time_reader("QQQ yyyy", "UTC") is None
    assert time_reader("yyyy yyyy", "UTC") is None

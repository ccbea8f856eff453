"""Sizes and ages for people."""

from datetime import UTC, datetime, timedelta

import pytest

from secateur.display.readable import readable_age, readable_size

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "told"),
    [(0, "0 B"), (999, "999 B"), (47_960, "48.0 kB"), (999_999, "1.00 MB"), (2.5e13, "25.0 TB")],
)
def test_a_size_has_three_digits_and_a_unit(value: float, told: str) -> None:
    assert readable_size(value).replace("\N{NO-BREAK SPACE}", " ") == told


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, "0 s ago"),
        (119, "119 s ago"),
        (120, "2 min ago"),
        (7199, "119 min ago"),
        (36 * 3600, "36 h ago"),
        (50 * 3600, "2 d ago"),
        (-5 * 86400, "in 5 d"),
    ],
)
def test_an_age_is_of_two_or_more_of_its_unit(seconds: int, told: str) -> None:
    assert readable_age(NOW - timedelta(seconds=seconds), NOW) == told
    then = (NOW - timedelta(seconds=seconds)).isoformat()
    assert readable_age(then, NOW) == told


@pytest.mark.parametrize("then", ["", "yesterday", "2026-03-01T12:00:00"])
def test_what_is_no_time_with_a_zone_has_no_age(then: str) -> None:
    assert readable_age(then, NOW) == ""

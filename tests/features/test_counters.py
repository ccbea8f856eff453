"""Counters by hand: who counts whom, at one key and a few moments."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from plans import built
from pyspark.sql import SparkSession
from rich_log import RichLog, Row, midnight_ms, order

HOUR = 3_600_000
FIELDS = (
    "features.fields=[{name='uid', owner='user', hashed=true}, {name='the.key', owner='item'}]",
    "features.slices=[]",
    "logs.sides=[]",
)
Counted = list[tuple[float, float, float]]


def event(day: str, hour: int, label: int, came: str = "", key: str | None = "a") -> Row:
    at = midnight_ms(day) + hour * HOUR
    own = {"uid": "0" * 16, "item": "1", "the.key": key}
    return {"day": came or day, "time_ms": at, "label": label, **own}


EVENTS = [
    event("2024-03-01", 9, 1),
    event("2024-03-01", 9, 0),  # at the same moment
    event("2024-03-01", 20, 1, came="2024-03-02"),  # late: known from the beginning of 03-02 on
    event("2024-03-01", 21, 0),
    event("2024-03-02", 0, 1),  # the day's first millisecond
    event("2024-03-02", 8, 0),
    event("2024-03-02", 8, 1, key=None),
    event("2024-03-04", 8, 0),
]
DAYS = ("2024-03-01", "2024-03-02", "2024-03-04")
SPLITS = {"train": DAYS[:1], "tune": DAYS[1:2], "confirm": DAYS[2:]}


@pytest.fixture
def counted(spark: SparkSession, tmp_path: Path) -> Callable[..., Counted]:
    """The counter's numbers at each of the events above."""

    def counted(**settings: object) -> Counted:
        given = {"prior_rate": 0.25, "measures": ["events", "positives", "rate"], **settings}
        texts = ", ".join(f"{name}={value!r}" for name, value in given.items())
        counter = f"features.counters=[{{keys=['the.key'], owner='user', {texts}}}]"
        log = RichLog(Path(tempfile.mkdtemp(dir=tmp_path)), EVENTS, [{"item": "1"}])
        settings_of = log.scenario(*FIELDS, counter)
        with built(spark, log.write(), settings_of, log.folder / "state", SPLITS) as found:
            files = [found.known.counters[day] for day in DAYS]
            rows: list[Row] = [
                row for file in files for row in pq.ParquetFile(file).read().to_pylist()
            ]
        places = sorted(range(len(EVENTS)), key=lambda n: (EVENTS[n]["day"], order(EVENTS[n])))
        by_place = dict(zip(places, rows, strict=True))
        return [tuple(by_place[place].values()) for place in range(len(EVENTS))]

    return counted


def events_of(counted: Counted) -> list[float]:
    return [events for events, _, _ in counted]


def test_an_event_counts_what_was_known_strictly_before_it(counted: Callable[..., Counted]) -> None:
    found = counted()
    assert events_of(found) == [0, 0, 2, 2, 4, 5, None, 6]
    assert [positives for _, positives, _ in found][:6] == [0, 0, 1, 1, 2, 3]


def test_fresh_by_day_it_counts_the_days_before(counted: Callable[..., Counted]) -> None:
    assert events_of(counted(freshness="day")) == [0, 0, 0, 0, 3, 3, None, 6]


def test_a_window_counts_the_events_own_day_as_one(counted: Callable[..., Counted]) -> None:
    assert events_of(counted(window_days=1)) == [0, 0, 2, 2, 1, 2, None, 0]
    assert events_of(counted(window_days=2)) == [0, 0, 2, 2, 4, 5, None, 0]
    assert events_of(counted(window_days=3)) == [0, 0, 2, 2, 4, 5, None, 3]
    only_days = counted(window_days=1, freshness="day")
    assert events_of(only_days) == [0, 0, 0, 0, 0, 0, None, 0]


def test_the_rate_is_smoothed_by_the_prior(counted: Callable[..., Counted]) -> None:
    rates = [rate for _, _, rate in counted(prior_events=4)]
    assert rates[:3] == [0.25, 0.25, round((1 + 4 * 0.25) / (2 + 4), 4)]
    assert rates[6] is None


def test_the_last_events_are_those_known_last(counted: Callable[..., Counted]) -> None:
    assert events_of(counted(last=3)) == [0, 0, 2, 2, 3, 3, None, 3]
    assert [positives for _, positives, _ in counted(last=2)][:6] == [0, 0, 1, 1, 1, 2]
    assert events_of(counted(last=9)) == events_of(counted())
    assert events_of(counted(last=2, window_days=2)) == [0, 0, 2, 2, 2, 2, None, 0]


def test_a_gap_is_the_seconds_since_the_event_known_last(counted: Callable[..., Counted]) -> None:
    def gaps(**settings: object) -> list[float]:
        measured = counted(measures=["events", "positives", "gap"], **settings)
        return [gap if gap is None else gap / 3600 for *_, gap in measured]

    assert gaps() == [None, None, 11, 12, 4, 8, None, 48]
    assert gaps(freshness="day") == [None, None, None, None, 3, 11, None, 48]

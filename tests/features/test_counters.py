"""Counters by hand: who counts whom, at one key and a few moments."""

from pyspark.sql import SparkSession
from rich_log import Row, midnight_ms

from secateur.features.counters import count_before
from secateur.scenario import Counter

HOUR = 3_600_000
FRAME = "day string, _row bigint, time_ms bigint, label int, `the.key` string"
DAILY = "day string, tally string, key array<string>, events bigint, positives bigint"


def event(day: str, hour: int, label: int, came: str = "", key: str | None = "a") -> Row:
    at = midnight_ms(day) + hour * HOUR
    return {"day": came or day, "time_ms": at, "label": label, "the.key": key}


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


def counted(spark: SparkSession, **settings: object) -> list[tuple[float, float, float]]:
    counter = Counter.model_validate(
        {
            "keys": ["the.key"],
            "owner": "user",
            "prior_rate": 0.25,
            "measures": ["events", "positives", "rate"],
            **settings,
        }
    )
    rows = [(e["day"], i, e["time_ms"], e["label"], e["the.key"]) for i, e in enumerate(EVENTS)]
    days = sorted({e["day"] for e in EVENTS})
    own = {day: [e for e in EVENTS if e["day"] == day and e["the.key"]] for day in days}
    daily = [
        (day, '["the.key"]', ["a"], len(some), sum(e["label"] for e in some))
        for day, some in own.items()
    ]
    found = count_before(
        spark.createDataFrame(rows, FRAME),
        spark.createDataFrame(daily, DAILY),
        (counter,),
        "Asia/Shanghai",
    ).collect()
    return [tuple(row)[2:] for row in sorted(found, key=lambda row: row["_row"])]


def events_of(spark: SparkSession, **settings: object) -> list[float]:
    return [events for events, _, _ in counted(spark, **settings)]


def test_an_event_counts_what_was_known_strictly_before_it(spark: SparkSession) -> None:
    assert events_of(spark) == [0, 0, 2, 2, 4, 5, None, 6]
    assert [positives for _, positives, _ in counted(spark)][:6] == [0, 0, 1, 1, 2, 3]


def test_fresh_by_day_it_counts_the_days_before(spark: SparkSession) -> None:
    assert events_of(spark, freshness="day") == [0, 0, 0, 0, 3, 3, None, 6]


def test_a_window_counts_the_events_own_day_as_one(spark: SparkSession) -> None:
    assert events_of(spark, window_days=1) == [0, 0, 2, 2, 1, 2, None, 0]
    assert events_of(spark, window_days=2) == [0, 0, 2, 2, 4, 5, None, 0]
    assert events_of(spark, window_days=3) == [0, 0, 2, 2, 4, 5, None, 3]
    assert events_of(spark, window_days=1, freshness="day") == [0, 0, 0, 0, 0, 0, None, 0]


def test_the_rate_is_smoothed_by_the_prior(spark: SparkSession) -> None:
    rates = [rate for _, _, rate in counted(spark, prior_events=4)]
    assert rates[:3] == [0.25, 0.25, round((1 + 4 * 0.25) / (2 + 4), 4)]
    assert rates[6] is None

"""Counters hold what was known when the day began, and nothing of that day or later."""

from collections import defaultdict

from pyspark.sql import SparkSession

from secateur.features.counters import count_before
from secateur.scenario import Counter

COUNTER = Counter(key="user_id", owner="user", prior_events=10, prior_rate=0.25)
EVENTS = [
    ("a", "2022-01-01", 1),
    ("a", "2022-01-01", 0),
    ("a", "2022-01-03", 1),
    ("a", "2022-01-04", 0),
    ("b", "2022-01-02", 1),
    ("b", "2022-01-04", 1),
    (None, "2022-01-02", 1),
]


def counted(spark: SparkSession, events: list[tuple[str | None, str, int]]) -> dict[object, object]:
    frame = spark.createDataFrame(events, "user_id string, day string, label int")
    rows = count_before(frame, COUNTER).join(frame).collect()
    return {(r.user_id, r.day): (r.user_id_events, r.user_id_rate) for r in rows}


def expected() -> dict[object, object]:
    """Replay the days in plain Python."""
    seen: dict[str, list[int]] = defaultdict(list)
    found: dict[object, object] = {}
    for day in sorted({day for _, day, _ in EVENTS}):
        today = [(user, label) for user, d, label in EVENTS if d == day]
        for user, _ in today:
            labels = seen[user] if user else []
            rate = round((sum(labels) + 10 * 0.25) / (len(labels) + 10), 4)
            found[user, day] = (str(len(labels)), str(rate)) if user else (None, None)
        for user, label in today:
            if user:
                seen[user].append(label)
    return found


def test_counters_are_those_of_a_replay_day_by_day(spark: SparkSession) -> None:
    assert counted(spark, EVENTS) == expected()


def test_no_event_of_the_same_day_or_later_changes_a_counter(spark: SparkSession) -> None:
    before = counted(spark, EVENTS)
    shuffled = [(u, d, 1 - y if d >= "2022-01-03" else y) for u, d, y in EVENTS]
    after = counted(spark, [*shuffled, ("a", "2022-01-03", 1)])
    unchanged = {key: value for key, value in before.items() if key[1] <= "2022-01-03"}
    assert {key: after[key] for key in unchanged} == unchanged
    assert after["a", "2022-01-04"] != before["a", "2022-01-04"]

"""A log of few days is split by hours: each row in its split, and only train rows teach."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import oracle
import pandas as pd
import pytest
from plans import Built, Learned, built
from pyspark.sql import SparkSession
from rich_log import DAYS, ZONE, RichLog, Row, day_of, midnight_ms

from secateur.features.split import split_hours

STARTS = (midnight_ms(DAYS[1]) + 36_000_000, midnight_ms(DAYS[1]) + 72_000_000)
HOURS = ("features.tune_hours=10", "features.confirm_hours=4")
SETTINGS = ("logs.window_days=2", "cleaning.late_days=0", *HOURS)


@pytest.fixture(scope="module")
def log(rich: RichLog, tmp_path_factory: pytest.TempPathFactory) -> RichLog:
    """Two days of it, without what came late."""
    rows = [r for r in rich.rows if r["day"] in DAYS[:2] and day_of(r["time_ms"]) == r["day"]]
    return replace(rich, rows=rows, folder=tmp_path_factory.mktemp("hours"))


@pytest.fixture(scope="module")
def whole(spark: SparkSession, log: RichLog) -> Iterator[tuple[Built, Learned]]:
    splits = split_hours(DAYS[:2], STARTS, ZONE)
    events, state = log.write(), log.folder / "state"
    with built(spark, events, log.scenario(*SETTINGS), state, splits.days, STARTS) as found:
        yield found, found.learn(log.folder / "learned")


def part(log: RichLog, split: str) -> list[Row]:
    """The events of a split that have a label."""
    edges = {"train": (0, STARTS[0]), "tune": STARTS, "confirm": (STARTS[1], 1 << 60)}
    start, end = edges[split]
    rows = map(oracle.timed, oracle.joined(log.rows, log.items))
    return [r for r in rows if start <= r["time_ms"] < end and r["label"] is not None]


@pytest.mark.parametrize("split", ["train", "tune", "confirm"])
def test_each_row_is_in_its_split_with_what_was_known_before_it(
    split: str, log: RichLog, whole: tuple[Built, Learned]
) -> None:
    found, learned = whole
    rows, expected = found.rows(learned, split), part(log, split)
    assert len(rows) == len(expected) > 5
    assert sorted(rows["time_ms"]) == sorted(row["time_ms"] for row in expected)
    (counter,) = (c for c in log.scenario().features.counters if c.name == "genre.main_1d")
    known = list(map(oracle.timed, oracle.joined(log.rows, log.items)))
    events = [oracle.counted(row, known, counter)[counter.field("events")] for row in expected]
    counted = rows[f"value_{counter.field('events')}"]
    assert Counter(counted.dropna()) == Counter(n for n in events if n is not None)
    train = Counter(row["uid"] for row in part(log, "train"))
    seen = dict(zip(rows["user_hash"], rows["user_train_events"], strict=True))
    assert seen == {row["uid"]: train[row["uid"]] for row in expected}


def test_only_train_rows_teach(log: RichLog, whole: tuple[Built, Learned]) -> None:
    _, learned = whole
    train = part(log, "train")
    for name, least in (("uid", 1), ("author", 1), ("genre.main", 2)):
        counts = Counter(row[name] for row in train if row[name] is not None)
        ranked = sorted(counts, key=lambda value: (-counts[value], value))
        expected = [value for value in ranked if counts[value] >= least]
        assert learned.known[name].to_pylist() == expected
    counter = next(c for c in log.scenario().features.counters if c.name == "uid_7d")
    (field,) = (f for f in learned.schema.buckets if f.name == counter.field("events"))
    known = list(map(oracle.timed, oracle.joined(log.rows, log.items)))
    values = pd.Series([oracle.counted(r, known, counter)[field.name] for r in train], dtype=float)
    cuts = np.unique(np.quantile(values, np.arange(1, 32) / 32, method="inverted_cdf"))
    assert list(field.boundaries) == [cut for cut in cuts if cut > values.min()]


def test_the_verb_seals_the_splits_by_their_hours(log: RichLog) -> None:
    made = log.build(log.write("again"), "features", *SETTINGS)
    newest = max(row["time_ms"] for row in log.rows)
    end = (newest // 3_600_000 + 1) * 3_600_000
    starts = [end - hours * 3_600_000 for hours in (14, 4)]
    places = np.digitize([r["time_ms"] for r in log.rows if r["label"] is not None], starts)
    counts = np.bincount(places, minlength=3).tolist()
    assert [made.manifest.facts["rows"][s] for s in ("train", "tune", "confirm")] == counts
    assert made.manifest.facts["days"]["confirm"] == [DAYS[1]]


@pytest.mark.proof
def test_days_that_warm_up_feed_counters_and_give_no_rows(log: RichLog, rich: RichLog) -> None:
    week = replace(rich, folder=log.folder)
    events = week.write("week")
    made = week.build(events, "warm", "features.warm_up_days=2")
    whole = week.build(events, "whole")
    assert made.manifest.facts["days"]["train"] == list(DAYS[2:5])
    names = [f"value_{f.name}" for c in rich.scenario().features.counters for f in c.fields]
    rows = [pd.read_parquet(sorted(one.folder.glob("tune/part-*"))[0]) for one in (made, whole)]
    pd.testing.assert_frame_equal(rows[0][names], rows[1][names])
    assert rows[0]["user_train_events"].sum() < rows[1]["user_train_events"].sum()

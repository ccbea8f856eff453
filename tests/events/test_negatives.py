"""Negatives are drawn from what was live at the event's own moment, by its chances then."""

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import SparkSession

from secateur.contracts.errors import ScenarioError
from secateur.events.negatives.candidates import DrawingRule
from secateur.events.negatives.label_rates import count_rows
from secateur.events.negatives.sampling import add_negatives
from secateur.scenario import Logs, Negatives

HOUR = 3_600_000
START = int(datetime(2024, 3, 1, tzinfo=UTC).timestamp() * 1000)
LOGS = Logs(uri="log", user="user", item="item", time="time_ms")


def positives(seed: int, count: int = 900, hours: int = 120) -> pd.DataFrame:
    """Items that are taken for a day or so after their birth; prices that change by the hour."""
    dice = np.random.default_rng(seed)
    ms = np.sort(dice.integers(0, hours * HOUR, count))
    ms[::9] = ms[1::9]  # simultaneous ones too
    item = (ms / (4 * HOUR)).astype(int) + dice.integers(0, 6, count)
    frame = pd.DataFrame({"user": [f"u{n}" for n in dice.integers(0, 12, count)]})
    frame["item"] = [f"i{n}" for n in item]
    frame["_place"] = dice.choice(["home", "tab"], count)
    frame["price"] = [f"{n}" for n in dice.integers(1, 9, count)]
    frame["time_ms"], frame["label"] = START + ms, 1
    frame["day"] = pd.to_datetime(frame["time_ms"], unit="ms").dt.strftime("%Y-%m-%d")
    return frame.drop_duplicates().reset_index(drop=True)


def rule_of(parts: int = 1, **keys: Any) -> DrawingRule:
    return DrawingRule(LOGS, Negatives(shared=("_place",), item_columns=("price",), **keys), parts)


def sampled(
    spark: SparkSession, frame: pd.DataFrame, rule: DrawingRule, seed: int = 5
) -> pd.DataFrame:
    events = add_negatives(spark.createDataFrame(frame), rule, seed).toPandas()
    order = ["time_ms", "user", "_place", "label", "item", "price"]
    return events.sort_values(order, ignore_index=True)


def live_at(frame: pd.DataFrame, ms: int, hours: int, rule: DrawingRule) -> pd.DataFrame:
    """The positives that make an item live at a moment, by the rule's words."""
    step = rule.step_ms
    since = (ms // step) * step - -(-hours * HOUR // step) * step
    return frame[(frame["time_ms"] < ms) & (frame["time_ms"] >= since)]


@pytest.mark.parametrize("exclude", ["past", "event", "window"])
@pytest.mark.parametrize("live_hours", [6, 72])
def test_only_what_was_live_and_not_taken_is_drawn(
    spark: SparkSession, exclude: str, live_hours: int
) -> None:
    frame = positives(seed=1)
    rule = rule_of(per_positive=3, live_hours=live_hours, exclude=exclude)
    found = sampled(spark, frame, rule)
    assert (found["label"] == 1).sum() == len(frame)
    for row in found[found["label"] == 0].itertuples():
        live = live_at(frame, row.time_ms, live_hours, rule)
        of_item = live[live["item"] == row.item]
        assert len(of_item), "nothing that was not live, and nothing from the future"
        newest = of_item[of_item["time_ms"] == of_item["time_ms"].max()]
        assert row.price == newest["price"].max()
        assert row.history_only is None
        own = frame[(frame["user"] == row.user) & (frame["item"] == row.item)]["time_ms"]
        ruled_out = {
            "past": own <= row.time_ms,
            "event": own == row.time_ms,
            "window": own > 0,
        }[exclude]
        assert not ruled_out.any()
    per = found[found["label"] == 0].groupby(["user", "time_ms", "_place"])
    assert per.size().max() >= 3
    of_event = found[found["label"] == 1].groupby(["user", "time_ms", "_place"]).size()
    assert (per.size() <= 3 * of_event[per.size().index]).all()


def test_expressions_are_of_each_events_own_columns(spark: SparkSession) -> None:
    """A price is its item's of the moment; an hour is the event's: those of no other row."""
    made = {"made": "concat(item, ' for ', price, ' at ', time_ms div 3600000)"}
    negatives = Negatives(item_columns=("price",), live_hours=6)
    rule = DrawingRule(LOGS.model_copy(update={"expressions": made}), negatives)
    frame = positives(seed=4, count=300).assign(made="of the raw row", _place="home")
    found = add_negatives(spark.createDataFrame(frame), rule, 5).toPandas()
    hours = (found["time_ms"] // HOUR).astype(str)
    assert (found["made"] == found["item"] + " for " + found["price"] + " at " + hours).all()
    assert (found["label"] == 0).sum() > 300
    unknown = LOGS.model_copy(update={"expressions": {"made": "upper(_place)"}})
    with pytest.raises(ScenarioError, match=r"expressions made: .*shared and item_columns"):
        add_negatives(spark.createDataFrame(frame), DrawingRule(unknown, negatives), 5)


@pytest.mark.parametrize("exclude", ["past", "event", "window"])
def test_a_positive_that_could_not_be_drawn_is_no_row(spark: SparkSession, exclude: str) -> None:
    frame = positives(seed=2)
    rule = rule_of(per_positive=2, live_hours=12, exclude=exclude)
    found = sampled(spark, frame, rule)
    reasons: Counter[str | None] = Counter()
    for row in found[found["label"] == 1].itertuples():
        live = live_at(frame, row.time_ms, 12, rule)
        own = frame[(frame["user"] == row.user) & (frame["item"] == row.item)]["time_ms"]
        taken = {
            "past": own < row.time_ms,
            "event": own < 0,
            "window": own != row.time_ms,
        }[exclude].any()
        if row.item not in set(live["item"]):
            assert row.history_only == "not_live"
        elif taken:
            assert row.history_only == "taken"
        else:
            assert row.history_only in (None, "none_drawn")
        reasons[row.history_only] += 1
    assert reasons["not_live"] > 20
    assert (reasons["taken"] > 20) == (exclude != "event")
    rows = found[found["history_only"].isna()]
    asked = rows.groupby(["user", "time_ms", "_place"])["label"].agg(["max", "min"])
    assert (asked["max"] == 1).all(), "no negatives without their positive"
    assert (asked["min"] == 0).all(), "no positive without negatives"


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0])
def test_chances_are_those_of_the_moment(spark: SparkSession, power: float) -> None:
    """Many users ask at one moment; an item's share of draws is its chance then."""
    before = [("a", 16)] * 1 + [("b", 17)] * 4 + [("c", 18)] * 9 + [("late", 21)] * 50
    rows = [(f"s{n}", item, hour * HOUR + n) for n, (item, hour) in enumerate(before)]
    rows += [(f"q{n}", "asked", 20 * HOUR) for n in range(4000)]
    frame = pd.DataFrame(rows, columns=["user", "item", "time_ms"])
    frame["time_ms"] += START
    frame["_place"], frame["price"], frame["label"], frame["day"] = "home", "1", 1, "2024-03-01"
    rule = rule_of(per_positive=1, live_hours=24, power=power)
    then = f"label = 0 AND time_ms = {START + 20 * HOUR}"
    found = add_negatives(spark.createDataFrame(frame), rule, seed=3)
    assert found.where(then).count() == 0, "an item that nobody took before tells its label"
    seen = pd.concat([frame, frame.iloc[[0]].assign(item="asked", user="s", time_ms=START + HOUR)])
    found = add_negatives(spark.createDataFrame(seen), rule, seed=3)
    shares = found.where(then).toPandas()["item"]
    expected = {item: count**power for item, count in (("a", 1), ("b", 4), ("c", 9))}
    for item, weight in expected.items():
        share = weight / sum(expected.values())
        error = (share * (1 - share) / 4000) ** 0.5
        assert abs((shares == item).mean() - share) < 4.5 * error
    assert set(shares) == set(expected)


def test_draws_know_no_order_no_partition_and_no_part(spark: SparkSession) -> None:
    frame = positives(seed=3)
    found = sampled(spark, frame, rule_of(live_hours=8))
    again = add_negatives(
        spark.createDataFrame(frame.sample(frac=1)).repartition(7), rule_of(live_hours=8), 5
    )
    order = list(found.columns)
    rows = again.toPandas().sort_values(order, ignore_index=True)
    pd.testing.assert_frame_equal(rows, found.sort_values(order, ignore_index=True))
    assert not sampled(spark, frame, rule_of(live_hours=8), seed=6).equals(found)
    cut = sampled(spark, frame, rule_of(parts=3, live_hours=8))
    events = ["user", "item", "time_ms", "_place", "history_only"]
    for column in events:
        own, parts = (f[f["label"] == 1].sort_values(events)[column].tolist() for f in (found, cut))
        assert own == parts


def test_equal_positives_are_drawn_for_apart(spark: SparkSession) -> None:
    frame = positives(seed=4, count=300)
    twice = pd.concat([frame, frame])
    found = sampled(spark, twice, rule_of(per_positive=2, live_hours=24, exclude="event"))
    rows = found[found["history_only"].isna()]
    assert (found["label"] == 1).sum() == len(twice)
    assert (rows["label"] == 0).sum() > 1.9 * (rows["label"] == 1).sum()


def test_rows_are_counted_by_day_and_by_the_age_of_their_item(spark: SparkSession) -> None:
    frame = positives(seed=6)
    rule = rule_of(live_hours=24)
    events = add_negatives(spark.createDataFrame(frame), rule, 5)
    counts, found = count_rows(events, rule), events.toPandas()
    first = frame.groupby("item")["time_ms"].min()
    rows = found[found["history_only"].isna()]
    hours = (rows["time_ms"] - rows["item"].map(first)) / HOUR
    assert counts.positives == len(frame)
    assert counts.history_only == found["history_only"].value_counts().to_dict()
    assert sum(one.rows for one in counts.days.values()) == len(rows)
    for name, low, high in (("under 1 h", 0, 1), ("1 to 6 h", 1, 6), ("6 to 24 h", 6, 24)):
        inside = rows[(hours >= low) & (hours < high)]
        assert (counts.ages[name].rows, counts.ages[name].positives) == (
            len(inside),
            inside["label"].sum(),
        )
    assert counts.left_out == found["history_only"].notna().sum()

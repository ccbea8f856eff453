"""No row may know what happened after it, nor how it ended itself: proved by changing the future.

Some time t lies in the middle of the last train day. What happens after t is deleted, shuffled, or
ends differently, and every row up to t must keep each of its columns. All columns are compared:
raw values, counters, histories, and ids too. Vocabularies, boundaries, means and knots are learned
from the train days as a whole, so events after t on that day may rightly move them; they are held
fixed here, as learned from the log unchanged. That later days never move them is proved apart.

A canary that cannot die proves nothing: counters that do leak must make it fail.
"""

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from plans import Learned, built
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F  # noqa: N812
from rich_log import DAYS, SPLITS, STEP_MS, RichLog, Row, midnight_ms

from secateur.contracts.artifact_files import VERSION_BOUNDS, VERSION_FROM
from secateur.features import building
from secateur.features.days.event_window import ROW
from secateur.features.history import counters, recency
from secateur.features.history.recency import Recent

T = midnight_ms(SPLITS["train"][-1]) + 6 * STEP_MS
OWN = ["label", "user_train_events", "item_train_events"]  # an outcome, and counts of whole days


def delete(rows: list[Row]) -> list[Row]:
    """Nothing happens after t."""
    return [row for row in rows if row["time_ms"] <= T]


def shuffle(rows: list[Row]) -> list[Row]:
    """After t, every column but the times holds some other row's value."""
    later = [row for row in rows if row["time_ms"] > T]
    dice = random.Random(1)
    for name in set(later[0]) - {"time_ms", "day"}:
        values = [row[name] for row in later]
        dice.shuffle(values)
        later = [{**row, name: value} for row, value in zip(later, values, strict=True)]
    return [row for row in rows if row["time_ms"] <= T] + later


def end_differently(rows: list[Row]) -> list[Row]:
    """Every event from t on has the other outcome: those at t itself too."""
    told = [row for row in rows if row["label"] is not None]
    other = {id(row): {**row, "label": row["label"] ^ (row["time_ms"] >= T)} for row in told}
    return [other.get(id(row), row) for row in rows]


def be_alone(rows: list[Row]) -> list[Row]:
    """Of the events at t, only those of one user are left, and none after it."""
    alone = next(row["uid"] for row in rows if row["time_ms"] == T)
    return [r for r in rows if r["time_ms"] < T or (r["time_ms"] == T and r["uid"] == alone)]


def touch_new_items(rows: list[Row]) -> list[Row]:
    """After t, every event is of an item that nobody knew before, with a side row of its own."""
    return [{**row, "item": "99"} if row["time_ms"] > T else row for row in rows]


def sides_of(rows: list[Row], items: list[Row]) -> list[Row]:
    """The side table, and rows of items that it does not know; of those never seen up to t, others.

    What a table without dates says of an item that is known before t is known before t.
    """
    before = {row["item"] for row in rows if row["time_ms"] <= T}
    later = {row["item"] for row in rows} - {item["item"] for item in items}
    other = {**items[0], "author": "author of the future", "price": "7", "words": "future"}
    kept = [item if item["item"] in before else {**other, "item": item["item"]} for item in items]
    return kept + [{**other, "item": name} for name in sorted(later)]


def dated(items: list[Row], later: list[Row]) -> list[Row]:
    """The side table with dates: its rows hold up to t, and other ones after it."""
    spans = ((items, (0, T + 1)), (later, (T + 1, 1 << 62)))
    rows = (
        {**row, **dict(zip(VERSION_BOUNDS, span, strict=True))} for r, span in spans for row in r
    )
    return sorted(rows, key=lambda row: (row["item"], row[VERSION_FROM]))


FUTURES = (
    *(delete, end_differently, touch_new_items),
    *(pytest.param(future, marks=pytest.mark.proof) for future in (shuffle, be_alone)),
)
Future = Callable[[list[Row]], list[Row]]
RowsOf = Callable[[Future], pd.DataFrame]


@pytest.fixture(scope="module")
def learned(
    spark: SparkSession, rich: RichLog, tmp_path_factory: pytest.TempPathFactory
) -> Learned:
    folder = tmp_path_factory.mktemp("canary")
    with built(spark, rich.write("unchanged"), rich.scenario(), folder / "state") as found:
        return found.learn(folder)


@pytest.fixture(scope="module")
def rows_of(
    spark: SparkSession,
    rich: RichLog,
    learned: Learned,
    tmp_path_factory: pytest.TempPathFactory,
) -> RowsOf:
    """The train rows up to t of the log with another future, encoded as was learned without it."""

    def rows_of(future: Future) -> pd.DataFrame:
        folder = tmp_path_factory.mktemp("future")
        rows = future(rich.rows)
        items = sides_of(rows, rich.items)
        change = {} if future is as_it_is else {"author": "another", "price": "7", "pace": "9"}
        items = dated(items, [{**item, **change} for item in items])
        altered = replace(rich, rows=rows, items=items, folder=folder)
        present = {row["day"] for row in altered.rows}
        days = {split: [d for d in inside if d in present] for split, inside in SPLITS.items()}
        events = altered.write(future.__name__)
        with built(spark, events, rich.scenario(), folder / "state", days) as found:
            encoded = found.rows(learned, "train")
        return encoded[encoded["time_ms"] <= T].drop(columns=OWN)

    return rows_of


def as_it_is(rows: list[Row]) -> list[Row]:
    """The future as it came."""
    return rows


@pytest.fixture(scope="module")
def unchanged(rows_of: RowsOf) -> pd.DataFrame:
    """The rows of the log as it is, counted honestly."""
    return rows_of(as_it_is)


def leaks(before: pd.DataFrame, after: pd.DataFrame) -> list[str]:
    """The columns that a row up to t has otherwise where the future is another."""
    if len(after) < len(before):  # rows at t itself are gone
        kept = before[before["time_ms"] < T]
        alone = after.loc[after["time_ms"] == T, "user_hash"].unique()
        at_t = before[(before["time_ms"] == T) & before["user_hash"].isin(alone)]
        before = pd.concat([kept, at_t])
    assert len(before) == len(after) > 200
    plain = [f.reset_index(drop=True).map(repr) for f in (before, after)]
    return [name for name in before.columns if not plain[0][name].equals(plain[1][name])]


@pytest.mark.parametrize("future", FUTURES, ids=lambda future: future.__name__)
def test_no_future_changes_a_row_before_it(
    future: Future, unchanged: pd.DataFrame, rows_of: RowsOf
) -> None:
    assert leaks(unchanged, rows_of(future)) == []


UID_POSITIVES = "positives_0"  # what the day itself counted, for the scenario's first counter


def counting_itself(events: DataFrame, wanted: tuple[object, ...], timezone: str) -> DataFrame:
    """Honest counters, but for one that has the event's own outcome in it."""
    found = counters.count_today(events, wanted, timezone)  # type: ignore[arg-type]
    found = found.join(events.select("day", ROW, "label"), ["day", ROW])
    leaky = F.col(UID_POSITIVES) + F.col("label")
    return found.withColumn(UID_POSITIVES, leaky).drop("label")


def counting_the_day(events: DataFrame, wanted: tuple[object, ...], timezone: str) -> DataFrame:
    """Honest counters, but for one that knows the whole of the event's day."""
    found = counters.count_today(events, wanted, timezone)  # type: ignore[arg-type]
    whole = F.sum("label").over(Window.partitionBy("uid", "day")).cast("long")
    today = events.select("day", ROW, whole.alias(UID_POSITIVES))
    return found.drop(UID_POSITIVES).join(today, ["day", ROW])


def looking_back_on_the_day(looking: Recent, events: DataFrame, rows: int) -> None:
    """Honest, but that each earlier event's outcome is that of its user's whole day."""
    whole = F.sum("label").over(Window.partitionBy("uid", "day")).cast("int")
    recency.look_back(looking, events.withColumn("label", whole), rows)


@pytest.mark.parametrize(
    ("honest", "leaky", "future", "counter"),
    [
        ("count_today", counting_itself, end_differently, "uid_7d"),
        pytest.param(*("count_today", counting_the_day, delete, "uid_7d"), marks=pytest.mark.proof),
        pytest.param(
            *("look_back", looking_back_on_the_day, end_differently, None), marks=pytest.mark.proof
        ),
    ],
    ids=["counting_itself", "counting_the_day", "looking_back_on_the_day"],
)
def test_the_canary_dies_of_a_counter_that_leaks(
    honest: str,
    leaky: Callable[..., object],
    future: Future,
    counter: str | None,
    rich: RichLog,
    rows_of: RowsOf,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(building, honest, leaky)
    made = {f"{counter}_{measure}" for measure in ("positives", "rate")}
    if counter is None:  # what looks back at single events goes by their labels
        looking = [c for c in rich.scenario().features.counters if c.of_single_events and not c.of]
        told = [(c, m) for c in looking for m in c.measures if m in ("positives", "rate")]
        made = {one.field(measure) for one, measure in told}
    found, values = set(leaks(rows_of(as_it_is), rows_of(future))), {f"value_{n}" for n in made}
    assert values <= found <= made | values  # too great a value may stay in its bucket


def test_no_later_day_changes_what_is_learned_or_a_train_row(rich: RichLog, tmp_path: Path) -> None:
    def other(row: Row) -> Row:
        texts = {n: "7" for n, v in row.items() if isinstance(v, str) and n not in ("day", "item")}
        label = None if row["label"] is None else 1 - row["label"]
        return {**row, **texts, "uid": f"{99:016x}", "label": label, "score": "1e6"}

    later = [row if row["day"] in SPLITS["train"] else other(row) for row in rich.rows]
    altered = replace(rich, rows=later, folder=tmp_path)
    leaked = altered.build(altered.write(), "features")
    honest = replace(rich, folder=tmp_path).build(rich.write("honest"), "honest")
    for name in ("schema.json", "vocabulary.parquet", *train_files(honest.folder)):
        assert (honest.folder / name).read_bytes() == (leaked.folder / name).read_bytes()
    content = [f.manifest.facts["content"] for f in (honest, leaked)]
    assert content[0]["train"] == content[1]["train"]
    assert content[0]["tune"] != content[1]["tune"]


def train_files(folder: Path) -> list[str]:
    files = sorted(file.relative_to(folder).as_posix() for file in folder.glob("train/*"))
    assert len(files) == len(DAYS) - 2
    return files

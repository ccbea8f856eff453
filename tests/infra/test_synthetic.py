"""The synthetic log is what its truth says, counted here without Spark, and it never varies."""

import csv
import gzip
import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.parquet as pq
import pytest

from bench.data.planted import STEPS, Truth, World, hidden
from bench.data.synthetic import COLUMNS, log_rows, write
from secateur import scenario
from secateur.contracts.data import CleaningCounts
from secateur.scenario.scenario_check import check_scenario
from small_log import run_verb, sealed

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

WORLD = World(rows=20_000, days=7, dirt=0.05, seed=3)


@pytest.fixture(scope="module")
def folder(spark: "SparkSession", tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("synthetic") / "log"
    write(spark, WORLD, made)
    return made


@pytest.fixture(scope="module")
def truth(folder: Path) -> Truth:
    return Truth(**json.loads((folder / "truth.json").read_text()))


def lines(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Every row of the log with its day folder."""
    for file in sorted(folder.glob("events/date=*/part-*.csv.gz")):
        with gzip.open(file, "rt", newline="") as text:
            rows = csv.reader(text)
            assert tuple(next(rows)) == COLUMNS
            yield from ((file.parent.name.removeprefix("date="), row) for row in rows)


def fault(day: str, row: list[str]) -> str | None:
    """What is wrong with a row, judged by its text alone."""
    if len(row) != len(COLUMNS):
        return "malformed"
    _, user, item, time, _, _, click = row
    if not time.isdigit():
        return "time_unparsable"
    if str(datetime.fromtimestamp(int(time) / 1000, UTC).date()) > day:
        return "time_future"
    faults = {"user_missing": not user, "item_missing": not item}
    faults["label_not_binary"] = click not in ("0", "1")
    return next((name for name, holds in faults.items() if holds), None)


def test_the_dirt_is_exactly_what_the_truth_counts(folder: Path, truth: Truth) -> None:
    rows = list(lines(folder))
    assert len(rows) == truth.rows
    found = Counter(fault(day, row) for day, row in rows)
    good = found.pop(None)
    repeated = truth.dirt["repeated"]
    assert dict(found) == {kind: n for kind, n in truth.dirt.items() if kind != "repeated"}
    assert min(truth.dirt.values()) > 80, "each kind is there"
    assert len({tuple(row) for _, row in rows}) == len(rows) - repeated
    assert good == truth.events + repeated


def test_days_and_clicks_are_what_the_truth_counts(folder: Path, truth: Truth) -> None:
    events = {row[0]: (day, row[6]) for day, row in lines(folder) if fault(day, row) is None}
    assert Counter(day for day, _ in events.values()) == truth.days
    assert len(truth.days) == WORLD.days
    assert sum(click == "1" for _, click in events.values()) / len(events) == truth.rate


def test_cleaning_finds_exactly_what_was_planted(
    folder: Path, truth: Truth, tmp_path: Path
) -> None:
    made = scenario.load_scenario(str(folder / "synthetic.toml"))
    run_verb("clean_events", made, output=tmp_path / "events")
    counts = sealed(str(tmp_path / "events")).read("counts.json", CleaningCounts)
    assert counts.reasons | {"repeated": counts.deduplicated} == truth.dirt
    assert (counts.rows_in, counts.events, counts.days) == (truth.rows, truth.events, truth.days)


def test_its_scenario_fits_the_log(folder: Path) -> None:
    assert check_scenario(str(folder / "synthetic.toml"), "")[1] == []


def test_no_better_order_than_the_true_one_is_to_be_had(
    spark: "SparkSession", truth: Truth
) -> None:
    """The ceiling against every pair of logits, and against the labels that were drawn."""
    rows = hidden(spark.range(WORLD.rows), WORLD).where("dirt is null or dirt = 'repeated'")
    table = rows.select("logit", "label").toArrow()
    logit = table["logit"].to_numpy()
    values, rows_of = np.unique(logit, return_counts=True)
    p = 1 / (1 + np.exp(-values / STEPS))
    above = (values[:, None] > values) + 0.5 * (values[:, None] == values)
    won = (rows_of * p) @ above @ (rows_of * (1 - p))
    weight = (rows_of * p).sum() * (rows_of * (1 - p)).sum()
    assert truth.auc_ceiling == pytest.approx(won / weight, rel=1e-9)
    assert 0.7 < truth.auc_ceiling < 0.9
    label = table["label"].to_numpy()
    drawn = auc(logit, label)
    assert drawn == pytest.approx(truth.auc_ceiling, abs=0.02)
    noise = np.random.default_rng(0).normal(0, STEPS, len(logit))
    assert auc(logit + noise, label) < drawn - 0.02


def auc(score: np.ndarray, label: np.ndarray) -> float:
    """By the ranks of Mann and Whitney."""
    _, where, counts = np.unique(score, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[where]
    positives = int(label.sum())
    above = ranks[label == 1].sum() - positives * (positives + 1) / 2
    return float(above / (positives * (len(label) - positives)))


def test_rows_do_not_depend_on_partitions(spark: "SparkSession") -> None:
    def rows(parts: int) -> list[tuple[object, ...]]:
        numbers = spark.range(3000).repartition(parts)
        table = log_rows(hidden(numbers, WORLD), WORLD).drop("copy")
        return sorted((tuple(row) for row in table.collect()), key=repr)

    assert rows(1) == rows(7)


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(
    spark: "SparkSession", folder: Path, tmp_path: Path
) -> None:
    write(spark, WORLD, tmp_path / "again")
    assert digests(tmp_path / "again") == digests(folder)
    write(spark, World(rows=20_000, days=7, dirt=0.05, seed=4), tmp_path / "other")
    assert not set(digests(tmp_path / "other").values()) & set(digests(folder).values())


def digests(folder: Path) -> dict[str, str]:
    """The bytes of every file of the log and its side table, by place."""
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in folder.rglob("*.gz")
    }


def test_a_few_items_have_most_of_the_events(folder: Path) -> None:
    """The most frequent of n items has the share log(2) / log(n + 1) of Zipf's law."""
    items = Counter(row[2] for day, row in lines(folder) if fault(day, row) is None)
    share = items["i0"] / items.total()
    assert items.most_common(1)[0][0] == "i0"
    assert share == pytest.approx(np.log(2) / np.log(WORLD.item_count + 1), rel=0.1)


def test_parquet_holds_the_same_events(spark: "SparkSession", tmp_path: Path, folder: Path) -> None:
    world = World(rows=20_000, days=7, dirt=0.0, seed=3, format="parquet")
    truth = write(spark, world, tmp_path / "log")
    files = sorted((tmp_path / "log").glob("events/date=*/part-*.parquet"))
    rows = [row for file in files for row in pq.ParquetFile(file).read().to_pylist()]
    assert len(rows) == truth.rows == truth.events == 20_000
    typed = {row["event_id"]: row for row in rows}
    clean = [row for day, row in lines(folder) if fault(day, row) is None]
    assert len(clean) > 18_000
    for row in clean[::100]:
        same = typed[int(row[0])]
        assert [str(same[name]) for name in COLUMNS] == row
    assert check_scenario(str(tmp_path / "log" / "synthetic.toml"), "")[1] == []

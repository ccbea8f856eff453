"""The baselines' scores are what an independent reading of the rows gives."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from secateur.artifacts import Artifact, create
from secateur.auc import auc
from secateur.contracts.features import CategoryField, FeatureSchema
from secateur.contracts.manifest import MadeBy
from secateur.contracts.models import Baseline, Baselines
from secateur.model.architectures.registry import new_model
from secateur.model.baselines import item_rules
from secateur.model.baselines.measure import BaselineInputs, difference_error, measure_baselines
from secateur.model.data.streaming import open_stream
from secateur.model.training.training_context import TrainingContext
from secateur.scenario import Training
from small_log import milliseconds, sealed

ITEM = CategoryField("item", "item", 6, 2)
SCHEMA = FeatureSchema("news", "clicked", (ITEM, CategoryField("place", "item", 4, 1)), (), "k")
DAYS = {"train": ("2024-03-01", "2024-03-02"), "tune": ("2024-03-03",)}
OOV = 5


def day_rows(day: str, seed: int, held_out: bool) -> pa.Table:
    """Models know items 0 to 4, the train days 9; a click is likelier the higher an item stands."""
    draw = np.random.default_rng(seed)
    items, places = draw.integers(0, 9 + held_out, 400), draw.integers(0, 3, 400)
    columns = {
        "item": np.minimum(items, OOV).astype(np.int32),
        "place": places.astype(np.int32),
        "label": (draw.random(400) < 0.5 - 0.2 * places).astype(np.int8),
        "day": [day] * 400,
        "time_ms": milliseconds(day, 0) + np.sort(draw.integers(0, 50_000, 400)),
    }
    columns["item_key"] = [f"n{n}" for n in items]
    columns["user_hash"] = [f"u{n % 50}" for n in range(len(items))]
    values = {"value_place": [str(n + 1) for n in places]}
    return pa.table(columns | (values if held_out else {}))


@pytest.fixture(scope="module")
def features(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    uri = str(tmp_path_factory.mktemp("baselines") / "features")
    with create(uri, "FeatureSet") as draft:
        draft.write("schema.json", SCHEMA)
        for split, days in DAYS.items():
            (draft.folder / split).mkdir()
            for number, day in enumerate(days):
                rows = day_rows(day, number + 10 * (split == "tune"), split == "tune")
                pq.write_table(rows, draft.folder / split / f"part-{number:05d}.parquet")
        draft.seal(MadeBy("by hand", "0"), {}, {})
    return sealed(uri)


def rows_of(features: Artifact, split: str) -> list[dict[str, Any]]:
    folder = features.folder / split
    rows = [pq.read_table(file, partitioning=None).to_pylist() for file in sorted(folder.iterdir())]
    return [row for part in rows for row in part]


def test_popularity_and_rate_count_the_train_days_alone(features: Artifact) -> None:
    history = item_rules.read_history(features)
    tune = item_rules.read_item_rows(features, "tune", history)
    train, held_out = rows_of(features, "train"), rows_of(features, "tune")
    mean = sum(row["label"] == 1 for row in train) / len(train)
    of: dict[object, list[Any]] = {row["item_key"]: [] for row in held_out}
    for row in train:
        of.setdefault(row["item_key"], []).append(row["label"])
    assert not all(of.values()), "an item of the tune days alone"
    liked = [sum(of[row["item_key"]]) for row in held_out]
    np.testing.assert_array_equal(item_rules.popularity(history, tune), liked)
    prior = item_rules.PRIOR_EVENTS
    rates = {item: (sum(n) + prior * mean) / (len(n) + prior) for item, n in of.items()}
    expected = [rates[row["item_key"]] for row in held_out]
    np.testing.assert_allclose(item_rules.item_rate(history, tune), expected, rtol=1e-6)


def test_recency_knows_every_earlier_click_and_no_later_one(features: Artifact) -> None:
    history = item_rules.read_history(features)
    tune = item_rules.read_item_rows(features, "tune", history)
    train, held_out = rows_of(features, "train"), rows_of(features, "tune")
    expected = []
    for row in held_out:
        same = [r for r in train + held_out if r["item_key"] == row["item_key"]]
        clicks = [r["time_ms"] for r in same if r["label"] == 1]
        before = [t for t in clicks if t < row["time_ms"]]
        expected.append((max(before) - row["time_ms"]) / 1000 if before else item_rules.NEVER)
    assert {seconds == item_rules.NEVER for seconds in expected} == {True, False}
    np.testing.assert_allclose(item_rules.recency(history, tune), expected, rtol=1e-6)


def measured(features: Artifact) -> Baselines:
    settings = Training(architecture="deepfm", hidden=(8,), embedding_dim=4, holdout_days=1)
    dense = new_model(SCHEMA, settings, 1)  # untrained: anything is better
    train, holdout = open_stream(features, "train", 100).split_holdout(1)
    inputs = BaselineInputs(features, "item", "place")
    return measure_baselines(inputs, dense, (train, holdout), TrainingContext(settings, 1))


def test_all_are_measured_on_the_tune_days_and_the_best_comes_first(features: Artifact) -> None:
    found = measured(features)
    by_name = {one.name: one.auc for one in found.baselines}
    assert set(by_name) == {
        "popularity",
        "item rate",
        "recency",
        "list order",
        "logistic regression",
    }
    tune = rows_of(features, "tune")
    labels = np.array([row["label"] for row in tune])
    order = np.array([-float(str(row["value_place"])) for row in tune], np.float32)
    assert by_name["list order"] == auc(labels, order) > 0.6
    assert by_name["logistic regression"] > 0.6
    assert (found.rows, found.positives) == (400, labels.sum())
    assert [one.auc for one in found.baselines] == sorted(by_name.values(), reverse=True)
    assert measured(features) == found, "the same inputs give the same bits"


def test_a_dense_model_is_above_or_below_by_name() -> None:
    rules = (Baseline("recency", "newest", 0.88, 0.01), Baseline("popularity", "", 0.52, 0.01))
    below = Baselines(900, 90, 0.34, rules)
    assert "is BELOW 2 of 2 baselines: recency 0.8800, popularity 0.5200" in below.sentence
    assert Baselines(900, 90, 0.9, rules).better_than_dense == ()
    assert "no baseline was measured" in Baselines(900, 0, None, ()).sentence


def test_the_error_of_a_difference_is_that_of_rows_drawn_again() -> None:
    draw = np.random.default_rng(3)
    labels = (draw.random(2000) < 0.3).astype(np.int8)
    base = labels + draw.normal(0, 1.5, 2000)
    one = (base + draw.normal(0, 0.5, 2000)).astype(np.float32)
    other = (base + draw.normal(0, 1.0, 2000)).astype(np.float32)
    differences = []
    for _ in range(400):
        at = draw.integers(0, 2000, 2000)
        areas = [auc(labels[at], scores[at]) or 0.0 for scores in (one, other)]
        differences.append(areas[0] - areas[1])
    apart = [np.arange(2000)] * 2
    found = difference_error(labels, apart, one, other)
    assert found == pytest.approx(np.std(differences), rel=0.15)
    few = [np.arange(9)] * 2
    assert difference_error(np.zeros(9, np.int8), few, one[:9], other[:9]) is None


def test_the_error_knows_that_rows_of_one_item_err_together() -> None:
    """A baseline errs by item, as popularity does: its error is that of logs of other items."""
    errors, differences = [], []
    for seed in range(300):
        draw = np.random.default_rng(seed)
        users, items = np.arange(1500) // 3, draw.integers(0, 40, 1500)
        truth = draw.normal(size=1500)
        labels = (draw.random(1500) < 1 / (1 + np.exp(-truth))).astype(np.int8)
        dense = truth.astype(np.float32)
        item = (truth + draw.normal(0, 1.5, 40)[items]).astype(np.float32)
        differences.append((auc(labels, dense) or 0) - (auc(labels, item) or 0))
        errors.append(difference_error(labels, [users, items], dense, item) or 0)
    assert np.sqrt(np.mean(np.square(errors))) == pytest.approx(np.std(differences), rel=0.15)
    alone = difference_error(labels, [np.arange(1500)] * 2, dense, item)
    assert alone is not None
    assert alone < 0.8 * np.std(differences), "rows taken as independent promise too much"

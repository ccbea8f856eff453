"""A FeatureSet is what pandas makes of the events, learned from the train days alone."""

from collections import Counter
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from secateur import scenario
from secateur.artifacts import Artifact, open_artifact
from secateur.contracts.errors import ArtifactError, Refused
from secateur.contracts.features import SPLITS, FeatureSchema
from small_log import SmallLog, receipt, run_verb, sealed, small_log

REAL = ("features.tune_days=1", "features.confirm_days=1")
REAL_DAYS = {"train": ["2022-05-05", "2022-05-06"], "tune": ["2022-05-07"]}


def built(log: SmallLog) -> Artifact:
    """Clean the log and build its features."""
    events = log.run("clean_events", output=log.folder / "clean")
    report = receipt(events, log.folder / "report")
    return build(log, report, log.folder / "features")


def build(log: SmallLog, report: Path, output: Path) -> Artifact:
    flags = {"events": log.folder / "clean", "validation": report, "output": output}
    return log.run("build_features", **flags)


def split(features: Artifact, name: str) -> pd.DataFrame:
    files = sorted(features.folder.glob(f"{name}/part-*.parquet"))
    return pd.concat([pq.read_table(f).to_pandas() for f in files], ignore_index=True)


@pytest.fixture(scope="module")
def log(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> SmallLog:
    """A small log with its features."""
    log = small_log(tmp_path_factory.mktemp("built")).write()
    built(log)
    return log


@pytest.fixture(scope="module")
def features(real_events: Artifact, tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    folder = tmp_path_factory.mktemp("features")
    flags = {"events": real_events.uri, "validation": receipt(real_events, folder / "report")}
    run_verb(
        "build_features",
        scenario.load_scenario("short_video", REAL),
        **flags,
        output=folder / "out",
    )
    return open_artifact(str(folder / "out"), "FeatureSet")


@pytest.fixture(scope="module")
def schema(features: Artifact) -> FeatureSchema:
    return features.read("schema.json", FeatureSchema)


@pytest.fixture(scope="module")
def events(real_events: Artifact) -> pd.DataFrame:
    """The events in time's order with the counters, counted day by day in plain Python."""
    files = sorted(real_events.folder.glob("events/*/*.parquet"))
    frame = pd.concat([pq.read_table(f, partitioning=None).to_pandas() for f in files])
    for side, key in (("users", "user_id"), ("videos", "video_id")):
        (file,) = real_events.folder.glob(f"sides/{side}/*.parquet")
        frame = frame.merge(pq.read_table(file).to_pandas(), on=key, how="left")
    frame = frame.sort_values(["day", "time_ms", "user_id"], kind="stable").reset_index(drop=True)
    for key in ("user_id", "video_id", "author_id"):
        frame[f"{key}_14d_events"], frame[f"{key}_14d_rate"] = counters(frame, key)
    return frame


def counters(frame: pd.DataFrame, key: str) -> tuple[list[str], list[str]]:
    seen, liked = Counter[str](), Counter[str]()
    events, rates = [], []
    for _, day in frame.groupby("day"):
        for value in day[key]:
            rate = Decimal(repr((liked[value] + 10 * 0.31) / (seen[value] + 10)))
            events.append(str(seen[value]))
            rates.append(str(rate.quantize(Decimal("0.0001"), ROUND_HALF_UP)))
        seen.update(day[key])
        liked.update(day.loc[day["label"] == 1, key])
    return events, rates


def test_vocabularies_are_the_train_days_values_by_falling_count(
    features: Artifact, schema: FeatureSchema, events: pd.DataFrame
) -> None:
    table = pq.read_table(features.folder / "vocabulary.parquet").to_pandas()
    train = events[events["day"].isin(REAL_DAYS["train"])]
    assert list(dict.fromkeys(table["field"])) == [f.name for f in schema.categories]
    for field in schema.categories:
        found = table[table["field"] == field.name]
        counted = Counter(train[field.name].dropna())
        expected = sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))
        expected = [pair for pair in expected if pair[1] >= field.min_count]
        assert list(zip(found["value"], found["count"], strict=True)) == expected
        assert found["id"].tolist() == list(range(len(expected)))
        assert field.size == len(expected) + 1
    assert sum(f.hashed for f in schema.categories) == 1


def test_boundaries_are_the_train_days_quantiles(
    schema: FeatureSchema, events: pd.DataFrame
) -> None:
    train = events[events["day"].isin(REAL_DAYS["train"])]
    specs = {spec.name: spec for spec in scenario.load_scenario("short_video").features.inputs}
    for field in schema.buckets:
        values = train[field.name].dropna().astype(float)
        steps = np.arange(1, specs[field.name].buckets) / specs[field.name].buckets
        cuts = np.unique(np.quantile(values, steps, method="inverted_cdf"))
        assert list(field.boundaries) == [cut for cut in cuts if cut > values.min()]
    assert len(schema.buckets) >= 8


@pytest.mark.parametrize("name", SPLITS)
def test_every_id_is_that_of_a_plain_lookup(
    name: str, features: Artifact, schema: FeatureSchema, events: pd.DataFrame
) -> None:
    rows = split(features, name)
    days = features.manifest.facts["days"][name]
    expected = events[events["day"].isin(days)].reset_index(drop=True)
    vocabulary = pq.read_table(features.folder / "vocabulary.parquet").to_pandas()
    order = ["time_ms", "user_hash", "video_id", "tab", "author_id"]
    ids = {}
    for category in schema.categories:
        known = vocabulary[vocabulary["field"] == category.name].set_index("value")["id"]
        ids[category.name] = expected[category.name].map(known).fillna(category.oov).astype(int)
    for bucket in schema.buckets:
        values = expected[bucket.name].astype(float)
        found = [sum(cut <= v for cut in bucket.boundaries) for v in values]
        ids[bucket.name] = pd.Series(found).where(values.notna(), bucket.oov)
    frame = pd.DataFrame(ids).assign(
        label=expected["label"], user_hash=expected["user_id"], time_ms=expected["time_ms"]
    )
    columns = list(frame.columns)
    frame, rows = (
        f[columns].sort_values([*order, *columns]).reset_index(drop=True) for f in (frame, rows)
    )
    pd.testing.assert_frame_equal(rows, frame, check_dtype=False)


def test_held_out_rows_keep_raw_values_and_train_counts(
    features: Artifact, schema: FeatureSchema, events: pd.DataFrame
) -> None:
    rows = split(features, "tune")
    train = events[events["day"].isin(REAL_DAYS["train"])]
    users, items = Counter(train["user_id"]), Counter(train["video_id"])
    assert rows["user_train_events"].tolist() == [users[u] for u in rows["value_user_id"]]
    assert rows["item_train_events"].tolist() == [items[i] for i in rows["value_video_id"]]
    assert rows["user_hash"].equals(rows["value_user_id"])
    assert rows["item_key"].equals(rows["value_video_id"])
    assert Counter(split(features, "train")["item_key"]) == items
    tune = events[events["day"].isin(REAL_DAYS["tune"])]
    for field in schema.categories:
        assert Counter(rows[f"value_{field.name}"].dropna()) == Counter(tune[field.name].dropna())
    for field in schema.buckets:
        given, made = tune[field.name].astype(float), rows[f"value_{field.name}"]
        np.testing.assert_allclose(np.sort(made.dropna()), np.sort(given.dropna()))
    assert not [c for c in split(features, "train").columns if c.startswith("value_")]


def test_features_are_built_of_exactly_the_events_that_passed(
    log: SmallLog, tmp_path: Path
) -> None:
    events, features = sealed(str(log.folder / "clean")), sealed(str(log.folder / "features"))
    with pytest.raises(ArtifactError, match="the receipt names"):
        build(log, receipt(features, tmp_path / "other"), tmp_path / "x")
    with pytest.raises(Refused, match="failed their validation"):
        build(log, receipt(events, tmp_path / "failed", success=False), tmp_path / "x")
    assert not (tmp_path / "x").exists()

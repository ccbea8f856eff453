"""The same events give the same bytes: on any partitions, files and cores; `content` knows rows."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession
from rich_log import RichLog, rich_log

from secateur.artifacts import Artifact, read_manifest
from secateur.contracts import record
from secateur.contracts.data import ValidationReport
from secateur.contracts.features import SPLITS
from secateur.contracts.manifest import Manifest
from secateur.scenario import PROJECT
from secateur.spark import content
from small_log import receipt, run_verb, sealed

PARTITIONS = "spark.sql.shuffle.partitions"


@pytest.fixture(scope="module")
def log(rich: RichLog, tmp_path_factory: pytest.TempPathFactory) -> RichLog:
    """A log of its own, Spark running."""
    return rich_log(tmp_path_factory.mktemp("content"), seed=5)


@pytest.fixture(scope="module")
def first(log: RichLog) -> Artifact:
    return log.build(log.write(), "first")


def promised(manifest: Manifest) -> tuple[object, ...]:
    """All that a digest is of, but for the code, which someone may be editing meanwhile."""
    return manifest.made_from, manifest.files, record.plain(manifest.facts)


@pytest.mark.parametrize(
    "partitions", ["7", *(pytest.param(n, marks=pytest.mark.proof) for n in ("1", "64"))]
)
def test_no_number_of_partitions_changes_the_digest(
    partitions: str, spark: SparkSession, log: RichLog, first: Artifact
) -> None:
    usual = str(spark.conf.get(PARTITIONS))
    spark.conf.set(PARTITIONS, partitions)
    again = log.build(log.write(), f"on {partitions}")
    spark.conf.set(PARTITIONS, usual)
    assert promised(again.manifest) == promised(first.manifest)


@pytest.mark.proof
def test_one_core_seals_what_two_do(log: RichLog, first: Artifact, tmp_path: Path) -> None:
    log.scenario()
    events = log.write()
    flags = {
        "scenario": log.folder / "rich.toml",
        "events": events.uri,
        "validation": receipt(events, tmp_path / "report"),
        "output": tmp_path / "features",
    }
    command = [sys.executable, str(PROJECT / "jobs" / "build_features.py")]
    command += [text for name, value in flags.items() for text in (f"--{name}", str(value))]
    one_core = os.environ | {"SECATEUR_SPARK_MASTER": "local[1]"}
    subprocess.run(command, check=True, capture_output=True, env=one_core)
    one = read_manifest(str(tmp_path / "features"))
    assert promised(one) == promised(first.manifest)


def test_files_of_the_events_and_order_of_side_tables_change_no_row(
    log: RichLog, first: Artifact
) -> None:
    turned = RichLog(log.folder, log.rows, log.items[::-1])
    again = log.build(turned.write("turned", files=3), "turned features")
    kept = [f for f in first.manifest.files if f.path.endswith((".parquet", "schema.json"))]
    assert [f for f in again.manifest.files if f in kept] == kept
    assert again.manifest.facts["content"] == first.manifest.facts["content"]


def test_content_is_the_same_in_any_order_and_another_without_a_row(
    spark: SparkSession, first: Artifact, tmp_path: Path
) -> None:
    facts = first.manifest.facts["content"]
    assert set(facts) == set(SPLITS)
    table = pq.read_table(first.folder / "tune", partitioning=None)
    order = np.random.default_rng(0).permutation(len(table))
    pq.write_table(table.take(order), tmp_path / "shuffled.parquet")
    pq.write_table(table.take(order[1:]), tmp_path / "fewer.parquet")
    assert content(spark, [tmp_path / "shuffled.parquet"]) == facts["tune"]
    assert content(spark, [tmp_path / "fewer.parquet"]) != facts["tune"]


def test_features_of_every_kind_pass_their_checks_whatever_their_names_hold(
    log: RichLog, first: Artifact, tmp_path: Path
) -> None:
    settings = log.scenario("validation.label_rate=[0, 1]")
    run_verb("validate_features", settings, features=first.uri, output=tmp_path / "report")
    report = sealed(str(tmp_path / "report")).read("report.json", ValidationReport)
    assert report.success
    checked = {rule.column for rule in report.expectations}
    assert {"genre:main", "dwell:time", "embedding", "likes", "slice_1"} <= checked


def test_faults_of_vectors_and_lists_are_counted(log: RichLog, first: Artifact) -> None:
    items = {item["item"]: item["embedding"] for item in log.items}
    texts = [items.get(row["item"]) for row in log.rows if row["label"] is not None]
    whole = sum(text in ("0.5,1,-2", "0,0.25,1") for text in texts)
    missing = texts.count(None)
    faults = {"missing": missing, "malformed": len(texts) - missing - whole}
    assert first.manifest.facts["unread"]["embedding"] == faults
    assert faults["malformed"] > 0

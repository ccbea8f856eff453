"""Every row of a log is kept, quarantined for its reasons, or dropped as a repetition."""

import os
import random
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from secateur import identity
from secateur.artifacts import Artifact
from secateur.contracts.data import CleaningCounts
from secateur.contracts.errors import QuarantineExceeded, ScenarioError
from secateur.scenario import PROJECT
from small_log import DAYS, SmallLog, milliseconds, sealed, small_log

DAY = DAYS[2]
NOON = milliseconds(DAY, 43200)
# Each faulty row with all the reasons it must be given.
FAULTS = {
    "raw-user-1,3,soon,1,home,5": {"time_unparsable"},
    "raw-user-1,3,,1,home,5": {"time_unparsable"},
    f"raw-user-1,3,{milliseconds(DAYS[3], 0)},1,home,5": {"time_future"},
    f"raw-user-1,3,{milliseconds(DAY, -1)},1,home,5": {"time_late"},
    f" ,3,{NOON},1,home,5": {"user_missing"},
    f"raw-user-1,,{NOON},1,home,5": {"item_missing"},
    f"raw-user-1,3,{NOON},2,home,5": {"label_not_binary"},
    f"raw-user-1,3,{NOON},,home,5": {"label_not_binary"},
    f"raw-user-1,3,{NOON},1,home,-5": {"negative_seconds"},
    f"raw-user-1,,{NOON},9,home,-5": {"item_missing", "label_not_binary", "negative_seconds"},
    f"raw-user-1,3,{NOON},1,home": {"malformed"},
    f"extra,raw-user-1,3,{NOON},1,home,5": {"malformed"},
    "uid,item,at,liked,tab,seconds": {"repeated_header"},
}

UNPARSED = {"malformed", "repeated_header"}


def table(artifact: Artifact, pattern: str) -> pa.Table:
    files = sorted(artifact.folder.glob(pattern))
    return pa.concat_tables([pq.read_table(file, partitioning=None) for file in files])


@pytest.fixture(scope="module")
def faulty(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> SmallLog:
    """A log with every fault, one exact repetition and one that differs in its label."""
    log = small_log(tmp_path_factory.mktemp("faulty"))
    day = log.days[DAY]
    repeated = f"raw-user-3,5,{NOON},0,home,7"
    differing = f"raw-user-3,5.0,{NOON},1,home,7"
    day += [*FAULTS, "", repeated, repeated, differing]
    return log.write()


@pytest.fixture(scope="module")
def events(faulty: SmallLog) -> Artifact:
    return faulty.run("clean_events", output=faulty.folder / "out")


def test_every_row_is_accounted_for_by_reason(faulty: SmallLog, events: Artifact) -> None:
    counts = events.read("counts.json", CleaningCounts)
    expected = dict.fromkeys(sorted({r for rs in FAULTS.values() for r in rs}), 0)
    for reasons in FAULTS.values():
        for reason in reasons:
            expected[reason] += 1
    assert counts.reasons == expected
    assert counts.quarantined == len(FAULTS)
    assert counts.deduplicated == 2
    assert counts.rows_in == sum(map(len, faulty.days.values())) - 1  # but the empty line
    assert counts.kept == counts.rows_in - len(FAULTS) - 2
    assert counts.kept == table(events, "events/*/*.parquet").num_rows
    assert events.manifest.facts["reasons"] == expected


def test_the_quarantine_keeps_each_row_with_its_reasons_and_file(events: Artifact) -> None:
    rows = table(events, "quarantine/*/*.parquet").to_pylist()
    key = identity.id_key()
    hashed = identity.hash_id(key, "raw-user-1")
    found = {row["row"]: set(row["reasons"]) for row in rows}
    well_formed = {text: why for text, why in FAULTS.items() if not why & UNPARSED}
    for text, reasons in well_formed.items():
        user = text.split(",")[0]
        shown = {"raw-user-1": hashed, " ": ""}[user]
        assert found[text.replace(user, shown, 1)] == reasons
    for text in FAULTS.keys() - well_formed.keys():
        fields = [identity.hash_id(key, part) for part in text.split(",")]
        shown = text if FAULTS[text] == {"repeated_header"} else ",".join(fields)
        assert found[shown] == FAULTS[text]
    assert {row["source"] for row in rows} == {f"events/date={DAY}/log.csv.gz"}


def test_no_raw_user_id_leaves(events: Artifact) -> None:
    for pattern in ("events/*/*.parquet", "quarantine/*/*.parquet"):
        cells = {str(v) for column in table(events, pattern).columns for v in column.to_pylist()}
        assert cells
        assert not [cell for cell in cells if "raw-user" in cell]
    for name in ("counts.json", "manifest.json"):
        assert "raw-user" not in (events.folder / name).read_text()


def test_events_are_canonical_and_typed_and_their_sides_lie_beside_them(events: Artifact) -> None:
    rows = table(events, "events/*/*.parquet")
    assert rows.schema.field("time_ms").type == pa.int64()
    assert rows.schema.field("label").type == pa.int32()
    assert set(rows["tab"].to_pylist()) == {"1", "2", None, "home"}
    for row in rows.to_pylist():
        assert row["label"] == int(row["liked"])
    items = table(events, "sides/items/*.parquet").to_pylist()
    assert [row["item"] for row in items] == sorted(str(item) for item in range(14))
    for row in items:
        item = int(row["item"])
        assert row["author"] == f"author {item // 3}"
        assert row["length"] == (str(10 * item) if item < 13 else None)


def test_of_repetitions_the_first_by_all_values_is_kept(events: Artifact) -> None:
    rows = table(events, f"events/date={DAY}/*.parquet").to_pylist()
    user = identity.hash_id(identity.id_key(), "raw-user-3")
    (kept,) = [r for r in rows if (r["uid"], r["item"], r["time_ms"]) == (user, "5", NOON)]
    assert kept["label"] == 0


def test_the_files_depend_on_the_rows_alone(
    spark: SparkSession, faulty: SmallLog, events: Artifact, tmp_path: Path
) -> None:
    shuffled = SmallLog(tmp_path, {**faulty.days}, faulty.items)
    for day, rows in shuffled.days.items():
        shuffled.days[day] = random.Random(day).sample(rows, len(rows))
    spark.conf.set("spark.sql.shuffle.partitions", "3")
    again = shuffled.write().run("clean_events", output=tmp_path / "out")
    spark.conf.set("spark.sql.shuffle.partitions", "8")
    assert again.manifest.files == events.manifest.files
    assert again.digest != events.digest  # made from another log


@pytest.mark.proof
def test_one_core_gives_the_same_artifact_as_two(
    faulty: SmallLog, events: Artifact, tmp_path: Path
) -> None:
    environment = {**os.environ, "SECATEUR_SPARK_MASTER": "local[1]"}
    command = [sys.executable, PROJECT / "jobs" / "clean_events.py"]
    flags = ["--scenario", faulty.scenario, "--output", tmp_path / "out"]
    done = subprocess.run(
        [*command, *flags], env=environment, capture_output=True, text=True, check=True
    )
    manifest = (tmp_path / "out" / "manifest.json").read_text()
    assert manifest == (events.folder / "manifest.json").read_text()
    assert "raw-user" not in done.stderr + done.stdout
    assert environment["SECATEUR_ID_KEY"] not in done.stderr + done.stdout


def test_over_budget_the_evidence_is_sealed_and_then_refused(
    faulty: SmallLog, tmp_path: Path
) -> None:
    with pytest.raises(QuarantineExceeded, match=r"13 of 2\d\d rows .* budget is 1\.00%"):
        faulty.run("clean_events", "cleaning.quarantine_budget=0.01", output=tmp_path / "out")
    evidence = sealed(str(tmp_path / "out"))
    assert table(evidence, "quarantine/*/*.parquet").num_rows == len(FAULTS)


def test_a_rule_about_an_unknown_column_is_a_mistake_of_the_scenario(
    faulty: SmallLog, tmp_path: Path
) -> None:
    rule = 'cleaning.rules=[{code = "odd", bad = "no_such_column > 1"}]'
    with pytest.raises(ScenarioError, match="odd"):
        faulty.run("clean_events", rule, output=tmp_path / "out")

"""A day cleaned once is not cleaned again, and no order of nights changes what is sealed."""

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from secateur.artifacts import Artifact, is_sealed, open_artifact
from secateur.contracts.artifact_files import LATE
from secateur.contracts.data import LateDays
from small_log import DAYS, SmallLog, small_log

WINDOW = ("logs.window_days=4",)


@pytest.fixture(scope="module")
def log(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> SmallLog:
    return small_log(tmp_path_factory.mktemp("days")).write()


def night(log: SmallLog, last: str, state: Path | None, output: Path) -> Artifact:
    settings = (*WINDOW, f'logs.last_day="{last}"')
    remembered = {} if state is None else {"state": state}
    return log.run("clean_events", *settings, output=output, **remembered)


@pytest.mark.parametrize(
    "order",
    [
        (5, 3, 4),
        pytest.param((3, 4, 5), marks=pytest.mark.proof),
        pytest.param((4, 5, 3), marks=pytest.mark.proof),
    ],
)
def test_nights_in_any_order_seal_what_a_full_recompute_does(
    log: SmallLog, order: tuple[int, ...], tmp_path: Path
) -> None:
    state = tmp_path / "state"
    for number in order:
        kept = night(log, DAYS[number], state, tmp_path / f"kept{number}")
        afresh = night(log, DAYS[number], None, tmp_path / f"afresh{number}")
        assert kept.digest == afresh.digest
    assert sorted(p.name for p in (state / "clean_events").iterdir()) == list(DAYS)


def test_a_second_night_reads_only_the_day_that_is_new(
    log: SmallLog, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    night(log, DAYS[4], tmp_path / "state", tmp_path / "first")
    with caplog.at_level("INFO", "secateur"):
        night(log, DAYS[5], tmp_path / "state", tmp_path / "second")
    assert "cleaning 1 days, 3 are kept" in caplog.text


def test_a_day_that_was_delivered_again_is_named_and_no_other(
    spark: SparkSession, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log, state = small_log(tmp_path / "log").write(), tmp_path / "state"
    night(log, DAYS[4], state, tmp_path / "first")
    night(log, DAYS[4], state, tmp_path / "again")
    assert "delivered again" not in caplog.text
    assert not is_sealed(str(tmp_path / "again" / "late"))
    log.days[DAYS[2]].pop()
    log.write()
    late = night(log, DAYS[5], state, tmp_path / "late")
    assert f"delivered again since they were cleaned: {DAYS[2]}" in caplog.messages
    told = open_artifact(f"{late.uri}/late", "LateDays").read(LATE, LateDays)
    assert told.days == (DAYS[2],)
    afresh = night(log, DAYS[5], None, tmp_path / "afresh")
    assert late.digest == afresh.digest, "what was there before is no part of it"


def test_a_damaged_day_is_cleaned_again(
    log: SmallLog, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    state = tmp_path / "state"
    first = night(log, DAYS[4], state, tmp_path / "first")
    file = next((state / "clean_events" / DAYS[3]).rglob("*.parquet"))
    file.write_bytes(file.read_bytes()[:-1])
    assert night(log, DAYS[4], state, tmp_path / "again").digest == first.digest
    assert f"the EventDay of {DAYS[3]} is corrupt and is made again" in caplog.text

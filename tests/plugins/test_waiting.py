"""A scheduled night waits for its day as long as its scenario says, and is then skipped."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowRescheduleException, AirflowSkipException

from secateur_airflow.places.process import VerbProcess
from secateur_airflow.verb import NothingNewSkip, Verb

HOUR = timedelta(hours=1)


def check(jobs: Path, code: int, patience: timedelta) -> VerbProcess:
    """A task whose verb ends with this code."""
    (jobs / "check_run.py").write_text(f"import sys; print('no such day yet'); sys.exit({code})")
    return VerbProcess(
        task_id="check_run",
        verb=Verb("check_run", "s.toml"),
        inputs={},
        output_path=["window"],
        patience=patience,
    )


def context(kind: str, waited: timedelta) -> Any:
    """A run of this kind that was due so long ago."""
    due = datetime.now(UTC) - waited
    run = SimpleNamespace(
        run_id="r",
        dag_id="secateur_x",
        run_after=due,
        run_type=kind,
        data_interval_end=due,
        conf={},
    )
    pushed = SimpleNamespace(xcom_push=lambda key, value: None)
    return {"dag_run": run, "params": {}, "ti": pushed}


@pytest.fixture
def jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AIRFLOW__SECATEUR__JOBS", str(tmp_path))
    monkeypatch.setenv("AIRFLOW__SECATEUR__DELIVERY_POLL_SECONDS", "60")
    return tmp_path


def test_a_scheduled_night_looks_again_after_a_while(jobs: Path) -> None:
    before = datetime.now(UTC)
    with pytest.raises(AirflowRescheduleException) as raised:
        check(jobs, 75, 2 * HOUR).execute(context("scheduled", HOUR))
    later = raised.value.reschedule_date - before
    assert timedelta(seconds=60) <= later < timedelta(seconds=120)


@pytest.mark.parametrize(
    ("kind", "waited", "patience"),
    [
        ("scheduled", 2 * HOUR, HOUR),
        ("scheduled", HOUR, timedelta()),
        ("backfill", HOUR, 2 * HOUR),
    ],
)
def test_it_is_skipped_once_it_has_waited_and_a_backfill_at_once(
    jobs: Path, kind: str, waited: timedelta, patience: timedelta
) -> None:
    task = check(jobs, 75, patience)
    with pytest.raises(AirflowSkipException, match="no such day yet"):
        task.execute(context(kind, waited))
    assert "no such day yet" in str(task.skipped_for)


def test_what_is_served_already_is_not_waited_for(jobs: Path) -> None:
    with pytest.raises(NothingNewSkip):
        check(jobs, 80, 2 * HOUR).execute(context("scheduled", HOUR))


@pytest.mark.parametrize(
    ("kind", "before", "waits"),
    [
        ("backfill", "backfill", True),
        ("backfill", "scheduled", False),  # the fence is for these
        ("backfill", None, False),
        ("scheduled", "backfill", False),
    ],
)
def test_a_backfill_waits_for_its_older_days(
    jobs: Path, kind: str, before: str | None, waits: bool
) -> None:
    asked: list[str] = []
    older = SimpleNamespace(run_id="older", run_type=before) if before else None
    told = context(kind, HOUR)
    told["ti"].get_previous_dagrun = lambda state: asked.append(state) or older
    task = check(jobs, 80, HOUR)
    task.oldest_first = True
    with pytest.raises(AirflowRescheduleException if waits else NothingNewSkip):
        task.execute(told)
    assert asked == (["running"] if kind == "backfill" else [])

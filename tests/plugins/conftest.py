"""A site whose store is empty, and a chat that alerts are posted to."""

import base64
import datetime
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from webhook import listening_webhook


def manual_run() -> SimpleNamespace:
    """What is read of a DagRun that a person triggered."""
    return SimpleNamespace(
        run_id="r1",
        dag_id="secateur_x",
        run_after=datetime.datetime(2026, 1, 1),
        run_type="manual",
        data_interval_end=None,
        conf={},
    )


def callback_context(task: str, error: Exception | None = None, **of_task: Any) -> Any:
    """What Airflow hands to a callback of a task."""
    operator = SimpleNamespace(inputs={}, skipped_for=None, answered=None)
    said = {"map_index": -1, "rendered_map_index": None} | of_task
    ti = SimpleNamespace(
        dag_id="secateur_x", task_id=task, try_number=1, log_url=None, task=operator, **said
    )
    return {
        "ti": ti,
        "run_id": "r1",
        "dag_run": manual_run(),
        "exception": error,
        "params": {"channel": "latest", "dry_run": False},
    }


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The run's folder, on a site whose store is empty."""
    monkeypatch.setenv("AIRFLOW__SECATEUR__RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("AIRFLOW__SECATEUR__STORE", str(tmp_path / "store"))
    monkeypatch.setenv("SECATEUR_VERIFY_KEY", base64.b64encode(bytes(32)).decode())
    return tmp_path / "runs" / "x"


@pytest.fixture
def webhook(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, Any]]]:
    """What was posted to the webhook that alerts go to."""
    with listening_webhook() as webhook:
        monkeypatch.setenv("AIRFLOW_CONN_SECATEUR_ALERTS", webhook.connection)
        yield webhook.posted

"""A verb by the real `spark-submit`: answered, refused and crashed as anywhere else."""

import json
import os
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from secateur_airflow.night import SPARK, Night

SAYS = """
import json, os, sys
answer = {{"key": os.environ["SECATEUR_SIGNING_KEY"], "asked": sys.argv[1:]}}
{end}
open(os.environ["SECATEUR_ANSWER"], "w").write(json.dumps(answer))
"""


CONTEXT: Any = {
    "dag_run": SimpleNamespace(
        **{"run_id": "r", "dag_id": "secateur_x", "run_type": "manual", "conf": None},
        run_after=datetime.now(UTC),
        data_interval_end=None,
    ),
    "params": {},
    "ti": SimpleNamespace(xcom_push=lambda key, value: None),
}


def task(jobs: Path, monkeypatch: pytest.MonkeyPatch, end: str = "") -> Any:
    """A verb that ends like this, on a site whose Spark is one thread of this machine."""
    (jobs / "clean_events.py").write_text(SAYS.format(end=end))
    monkeypatch.setenv("AIRFLOW__SECATEUR__JOBS", str(jobs))
    monkeypatch.setenv("AIRFLOW__SECATEUR__SPARK", "submit")
    monkeypatch.setenv("SECATEUR_SIGNING_KEY", "seed")
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    connection = {"conn_type": "spark", "host": "local[1]"}
    monkeypatch.setenv("AIRFLOW_CONN_SPARK_DEFAULT", json.dumps(connection))
    return Night("s.toml").task("clean_events", on=SPARK).operator


def test_the_answer_is_the_verbs_own_and_the_signing_key_is_not_handed_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = task(tmp_path, monkeypatch).execute(CONTEXT)
    assert answer["key"] == ""
    assert answer["asked"][0] == "--scenario=s.toml"
    assert answer["asked"][-1].endswith("/events")


def test_a_refusal_is_told_by_its_error_and_not_retried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    end = (
        "print('03:00:02 E secateur: clean_events REFUSED after 0.1 s: no rows')\n"
        "print('  in x', flush=True)\nsys.exit(65)"
    )
    with pytest.raises(AirflowFailException, match=r"^clean_events refused .*: no rows\nin x$"):
        task(tmp_path, monkeypatch, end).execute(CONTEXT)


def test_a_crash_is_told_by_its_exception(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    end = "def count(rows): return len(rows)\ncount(None)"
    with pytest.raises(AirflowException, match=r"crashed \(exit 1\): .*\n?TypeError: .*no len"):
        task(tmp_path, monkeypatch, end).execute(CONTEXT)


def test_a_task_that_is_ended_leaves_no_driver(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor Python, which spark-submit's Java started and outlives it."""
    said = tmp_path / "pid"
    end = f"import time; open({str(said)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    operator = task(tmp_path, monkeypatch, end)

    def end_it_once_it_runs() -> None:
        while not (said.exists() and said.read_text()):
            time.sleep(0.1)
        operator.on_kill()

    ending = threading.Thread(target=end_it_once_it_runs)
    ending.start()
    with pytest.raises(AirflowException, match="killed by SIGKILL"):
        operator.execute(CONTEXT)
    ending.join()
    deadline = time.monotonic() + 10
    while is_running(said.read_text()) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not is_running(said.read_text())


def is_running(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False

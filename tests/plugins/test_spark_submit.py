"""A verb by the real `spark-submit`: answered, refused and crashed as anywhere else."""

import json
import os
import sys
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


def submit(jobs: Path, monkeypatch: pytest.MonkeyPatch, end: str = "") -> Any:
    """Submit a verb that ends like this, on a site whose Spark is one thread of this machine."""
    (jobs / "clean_events.py").write_text(SAYS.format(end=end))
    monkeypatch.setenv("AIRFLOW__SECATEUR__JOBS", str(jobs))
    monkeypatch.setenv("AIRFLOW__SECATEUR__SPARK", "submit")
    monkeypatch.setenv("SECATEUR_SIGNING_KEY", "seed")
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    connection = {"conn_type": "spark", "host": "local[1]"}
    monkeypatch.setenv("AIRFLOW_CONN_SPARK_DEFAULT", json.dumps(connection))
    run = SimpleNamespace(
        **{"run_id": "r", "dag_id": "secateur_x", "run_type": "manual", "conf": None},
        run_after=datetime.now(UTC),
        data_interval_end=None,
    )
    pushed = SimpleNamespace(xcom_push=lambda key, value: None)
    operator = Night("s.toml").task("clean_events", on=SPARK).operator
    return operator.execute({"dag_run": run, "params": {}, "ti": pushed})


def test_the_answer_is_the_verbs_own_and_the_signing_key_is_not_handed_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = submit(tmp_path, monkeypatch)
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
        submit(tmp_path, monkeypatch, end)


def test_a_crash_is_told_by_its_exception(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    end = "def count(rows): return len(rows)\ncount(None)"
    with pytest.raises(AirflowException, match=r"crashed \(exit 1\): .*\n?TypeError: .*no len"):
        submit(tmp_path, monkeypatch, end)

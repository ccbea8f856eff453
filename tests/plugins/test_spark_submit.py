"""A verb by `spark-submit`, whose own program is played by a script that ends as the verb does."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from secateur_airflow.night import SPARK, Night

SUBMIT = """#!/bin/sh
eval "$WORDS"
printf '{"key": "%s", "asked": "%s"}' "$SECATEUR_SIGNING_KEY" "$*" > "$SECATEUR_ANSWER"
exit $CODE
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A site whose Spark tasks are submitted, and whose `spark-submit` is ours."""
    (tmp_path / "spark-submit").write_text(SUBMIT)
    (tmp_path / "spark-submit").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("AIRFLOW__SECATEUR__SPARK", "submit")
    monkeypatch.setenv("SECATEUR_SIGNING_KEY", "seed")
    connection = {"conn_type": "spark", "host": "spark://nowhere", "port": 7077}
    monkeypatch.setenv("AIRFLOW_CONN_SPARK_DEFAULT", json.dumps(connection))
    return tmp_path


def submit(monkeypatch: pytest.MonkeyPatch, code: int, words: str = "true") -> Any:
    monkeypatch.setenv("CODE", str(code))
    monkeypatch.setenv("WORDS", words)
    run = SimpleNamespace(
        **{"run_id": "r", "dag_id": "secateur_x", "run_type": "manual", "conf": None},
        run_after=datetime.now(UTC),
        data_interval_end=None,
    )
    pushed = SimpleNamespace(xcom_push=lambda key, value: None)
    operator = Night("s.toml").task("clean_events", on=SPARK).operator
    return operator.execute({"dag_run": run, "params": {}, "ti": pushed})


def test_the_answer_is_the_verbs_own_and_the_signing_key_is_not_handed_on(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = submit(monkeypatch, 0)
    assert answer["key"] == ""
    assert "--master spark://nowhere:7077" in answer["asked"]
    assert "/jobs/clean_events.py --scenario=s.toml --output" in answer["asked"]


def test_a_refusal_is_told_by_its_error_and_not_retried(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = "echo '03:00:02 E secateur: clean_events REFUSED after 0.1 s: no rows'; echo '  in x'"
    with pytest.raises(AirflowFailException, match=r"^clean_events refused .*: no rows\nin x$"):
        submit(monkeypatch, 65, words)


def test_a_crash_is_told_by_its_exception(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = (
        "echo 'Traceback (most recent call last):'; echo '  File \"x.py\", line 1, in <module>';"
        "echo '    run(all)'; echo 'py4j.protocol.Py4JError: no such method'; echo ' at java.X'"
    )
    with pytest.raises(AirflowException, match=r"crashed \(exit 1\): .*\n?py4j.*: no such method$"):
        submit(monkeypatch, 1, words)

"""The signing key is in the environment of the verbs that sign, the id key of those that hash."""

import json
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from secateur_airflow.places.process import VerbProcess
from secateur_airflow.verb import ID_KEY, SIGNERS, Verb, environment_of

JOBS = Path(__file__).parents[2] / "jobs"
SAYS = """
import json, os
open(os.environ["SECATEUR_ANSWER"], "w").write(json.dumps(os.environ.get("SECATEUR_SIGNING_KEY")))
"""


def key_of(verb: str, jobs: Path) -> Any:
    """What a process of this verb finds as the signing key."""
    (jobs / f"{verb}.py").write_text(SAYS)
    task = VerbProcess(task_id="t", verb=Verb(verb, "s.toml"), inputs={}, output_path=["o"])
    run = SimpleNamespace(
        run_id="r", dag_id="secateur_x", run_after=datetime(2026, 1, 1), run_type="manual", conf={}
    )
    run.data_interval_end = None
    pushed = SimpleNamespace(xcom_push=lambda key, value: None)
    context: Any = {"dag_run": run, "params": {}, "ti": pushed}
    return task.execute(context)


@pytest.mark.parametrize("source", ["connection", "environment"])
def test_only_a_verb_that_signs_has_the_key(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__SECATEUR__JOBS", str(tmp_path))
    monkeypatch.setenv("SECATEUR_SIGNING_KEY", "old" if source == "connection" else "seed")
    if source == "connection":
        kept = json.dumps({"conn_type": "generic", "password": "seed"})
        monkeypatch.setenv("AIRFLOW_CONN_SECATEUR_SIGNING_KEY", kept)
    assert key_of("publish_release", tmp_path) == "seed"
    assert key_of("train_model", tmp_path) is None


def test_a_verb_sees_none_of_airflows_own_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = {"AIRFLOW_CONN_SECATEUR_SIGNING_KEY": "generic://:seed@", "AWS_REGION": "eu"}
    secret |= {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "postgresql://a:b@c/d", ID_KEY: "secret"}
    for name, value in secret.items():
        monkeypatch.setenv(name, value)
    seen = environment_of("train_model")
    assert [name for name in seen if "AIRFLOW" in name or name == ID_KEY] == []
    assert environment_of("clean_events")[ID_KEY] == environment_of("check_run")[ID_KEY] == "secret"
    assert seen["AWS_REGION"] == "eu"


def test_the_verbs_that_sign_are_those_that_say_so() -> None:
    said = {path.stem for path in JOBS.glob("*.py") if "Needs SECATEUR_SIGNING_KEY" in words(path)}
    assert said == SIGNERS


def words(path: Path) -> str:
    return " ".join(path.read_text().split())

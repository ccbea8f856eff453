"""A failed task is told to people and kept for the report: why, at which try, what is served."""

import json
import socket
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from airflow.sdk.exceptions import (
    AirflowException,
    AirflowFailException,
    AirflowSkipException,
    AirflowTaskTimeout,
)

from secateur.contracts.errors import TaskFailure
from secateur.contracts.record import from_json
from secateur_airflow.signals import alerts
from secateur_airflow.signals.alerts import Alert, Overdue, TellKept
from secateur_airflow.signals.claims import Forget
from secateur_airflow.signals.failures import Record, kind_of
from secateur_airflow.signals.notices import tell_end
from secateur_airflow.verb import NothingNewSkip

from .conftest import manual_run

REFUSED = AirflowFailException("judge_candidates refused (exit 65): none of 2 candidates passed")


def context(error: BaseException, **of_task: Any) -> Any:
    """What Airflow hands to the callback of a failed task."""
    of_task = {"task_id": "judge_candidates", "map_index": -1, "rendered_map_index": None} | of_task
    run = manual_run()
    task = SimpleNamespace(inputs={}, skipped_for=None)
    ti = SimpleNamespace(
        dag_id="secateur_x", try_number=4, log_url="http://ui/log", task=task, **of_task
    )
    return {
        "ti": ti,
        "run_id": "r1",
        "dag_run": run,
        "exception": error,
        "params": {"channel": "latest"},
    }


def test_an_alert_says_what_failed_at_which_try_what_is_served_and_what_to_do(
    runs: Path, webhook: list[tuple[str, Any]]
) -> None:
    Alert().notify(context(REFUSED))
    ((path, body),) = webhook
    assert path == "/services/T1/B2"
    first, served, advice, log = body["text"].splitlines()
    assert first == (
        "secateur_x.judge_candidates refused in run r1, try 4: none of 2 candidates passed"
    )
    assert served.startswith("served: nothing, ")
    assert advice == (
        "what to do: look at the evidence; a retry gives the same answer (infra/guides/operate.md)"
    )
    assert log == "log: http://ui/log"


def test_a_form_without_a_channel_means_the_scenarios_own(
    runs: Path, webhook: list[tuple[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__SECATEUR__SCENARIOS", str(tmp_path))
    (tmp_path / "shop.toml").write_text('name = "shop"\n[release]\nchannel = "prod"\n')
    (tmp_path / "broken.toml").write_text("[")
    failed = context(REFUSED, task_id="roll_back")
    failed["params"] = {"scenario": "shop", "channel": None}
    Alert().notify(failed)
    assert "/store/shop has no channel prod" in webhook[0][1]["text"].splitlines()[1]


def test_of_a_run_that_moves_no_channel_nothing_is_looked_up(
    runs: Path, webhook: list[tuple[str, Any]]
) -> None:
    failed = context(AirflowException("x"), task_id="sweep_shop")
    failed["params"] = {"keep": 14}
    Alert().notify(failed)
    served = webhook[0][1]["text"].splitlines()[1]
    assert served == "served: not looked up, this run moves no channel"


def test_a_chat_that_takes_the_call_and_never_answers_holds_no_task(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alerts, "POSTING_TIMEOUT_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as chat:
        at = {"conn_type": "http", "host": f"http://127.0.0.1:{chat.getsockname()[1]}"}
        monkeypatch.setenv("AIRFLOW_CONN_SECATEUR_ALERTS", json.dumps(at))
        with pytest.raises(requests.Timeout):
            Alert().notify(context(REFUSED))
    assert len(list(runs.glob("*/failures/*.json"))) == 1


def test_an_alert_names_the_candidate(runs: Path, webhook: list[tuple[str, Any]]) -> None:
    Alert().notify(
        context(AirflowException("x"), task_id="prune", map_index=1, rendered_map_index="int8")
    )
    assert webhook[0][1]["text"].startswith("secateur_x.prune[int8] crashed in run r1")


def test_a_run_without_anything_new_is_recorded_and_wakes_nobody(
    runs: Path, webhook: list[tuple[str, Any]]
) -> None:
    Alert().notify(context(NothingNewSkip("nothing is new: release 3"), task_id="check_run"))
    (record,) = runs.glob("*/failures/*.json")
    kept = from_json(TaskFailure, record.read_bytes())
    assert (kept.kind, kept.message) == ("skipped", "nothing is new: release 3")
    tell_end(context(REFUSED, task_id="close_night"), {"status": "skipped"})
    assert webhook == []
    Alert().notify(context(REFUSED, task_id="renew_channel"))
    assert len(webhook) == 1, "what fails all the same is told"


def test_a_channel_that_stays_where_it_was_is_told_with_the_reason(
    runs: Path, webhook: list[tuple[str, Any]]
) -> None:
    published = context(REFUSED, task_id="publish_release")
    published["ti"].task.answered = {"uri": "u", "number": 4, "kept": ""}
    TellKept().notify(published)
    assert webhook == []
    published["ti"].task.answered = {"uri": "u", "number": 4, "kept": "ada holds it since May"}
    TellKept().notify(published)
    first, served, _ = webhook[0][1]["text"].splitlines()
    assert first == (
        "secateur_x.publish_release made release 4 in run r1, but its channel stays: "
        "ada holds it since May"
    )
    assert served.startswith("served: nothing, ")


def test_a_night_past_its_deadline_is_told_and_other_failures_are_told_by_their_tasks(
    runs: Path,
    webhook: list[tuple[str, Any]],
) -> None:
    dag: Any = {"dag": SimpleNamespace(dag_id="secateur_x"), "run_id": "r1"}
    Overdue().notify(dag | {"reason": "task_failure"})
    assert webhook == []
    Overdue().notify(dag | {"reason": "timed_out"})
    first, served, advice = webhook[0][1]["text"].splitlines()
    assert first.startswith("secateur_x passed its deadline in run r1")
    assert served.startswith("served: nothing, ")
    assert advice.startswith("what to do: see what it waited for")
    Record().notify(context(REFUSED))
    Overdue().notify(dag | {"reason": "timed_out", "dag_run": manual_run()})
    assert webhook[1][1]["text"].splitlines()[1] == "failed before: judge_candidates refused"


def test_why_a_task_failed_lies_in_the_run_until_it_is_tried_again(runs: Path) -> None:
    failed = context(REFUSED, map_index=2, rendered_map_index="int8")
    Record().notify(failed)
    (record,) = runs.glob("*/failures/*.json")
    assert record.name == "judge_candidates-2.json"
    kept = from_json(TaskFailure, record.read_bytes())
    assert kept == TaskFailure(
        "judge_candidates",
        "int8",
        4,
        "refused",
        "none of 2 candidates passed",
        "http://ui/log",
    )
    Forget().notify(failed)
    Forget().notify(failed)
    assert not record.exists()


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (REFUSED, "refused"),
        (AirflowFailException("publish_release asked wrongly (exit 64): no key"), "asked wrongly"),
        (AirflowException("train_model crashed (exit 1): no memory"), "crashed"),
        (AirflowTaskTimeout("timed out"), "timed out"),
        (AirflowSkipException("the log has no 2024-03-07 yet"), "skipped"),
        (None, "crashed"),
    ],
)
def test_the_kind_of_failure_is_told_by_its_exit(error: BaseException | None, kind: str) -> None:
    assert kind_of(error) == kind

"""A person's word before a channel moves: a yes goes on with a name, a no and silence do not."""

import json
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, TaskAwaitingInput

from secateur_airflow.approval import Approval, ask_approval, found_by_gate
from secateur_airflow.signals.alerts import AskForWord
from secateur_airflow.signals.failures import kind_of

AT = datetime(2026, 5, 9, 4, tzinfo=UTC)
ADA = {"id": "ada", "name": "ada"}


def approval() -> Approval:
    operator = ask_approval({"title": "t", "release": {"approval_hours": 3}}, "/v").operator
    assert isinstance(operator, Approval)
    return operator


def event(option: str, user: dict[str, str] | None = ADA, reason: str = "") -> dict[str, Any]:
    """What Airflow hands on once somebody answered, or nobody did."""
    return {
        "chosen_options": [option],
        "params_input": {"reason": reason} if user else {},
        "responded_at": AT,
        "responded_by_user": user,
    }


def test_a_yes_tells_who_when_and_why() -> None:
    said = json.loads(approval().execute_complete({}, event("Approve", reason="looks right")))
    assert said == {"by": "ada", "at": "2026-05-09T04:00:00+00:00", "reason": "looks right"}


@pytest.mark.parametrize(
    ("user", "reason", "told"),
    [
        (ADA, "the campaign", "ada said no: the campaign"),
        (ADA, "", "ada said no$"),
        (None, "", "nobody answered within 3 hours"),
    ],
)
def test_a_no_and_silence_refuse_the_release_without_a_retry(
    user: dict[str, str] | None, reason: str, told: str
) -> None:
    with pytest.raises(AirflowFailException, match=told) as refused:
        approval().execute_complete({}, event("Reject", user, reason))
    assert kind_of(refused.value) == "refused"


def test_a_yes_of_nobody_is_none() -> None:
    with pytest.raises(AirflowFailException, match="nobody answered"):
        approval().execute_complete({}, event("Approve", None))


def test_a_chat_that_is_away_keeps_nobody_from_being_asked(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    gone = {"conn_type": "http", "host": "http://127.0.0.1:9"}
    monkeypatch.setenv("AIRFLOW_CONN_SECATEUR_ALERTS", json.dumps(gone))
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "http://ui")
    task = approval()
    ti = SimpleNamespace(dag_id="d", run_id="r", task_id="approve_release", map_index=-1)
    AskForWord().notify({"task": task, "task_instance": ti})
    assert "the question was not posted" in caplog.text


def test_people_are_asked_with_what_the_gate_found_and_a_link(
    tmp_path: Path, webhook: list[tuple[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    said = {"accepted": True, "chosen": "int8", "package": "ab" * 32, "reason": "it loses nothing"}
    (tmp_path / "verdict.json").write_text(json.dumps(said))
    asked: dict[str, Any] = {}
    monkeypatch.setattr(
        "airflow.providers.standard.operators.hitl.upsert_hitl_detail",
        lambda **detail: asked.update(detail),
    )
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "http://ui")
    task = approval()
    task.verdict = str(tmp_path)
    ti = SimpleNamespace(
        id="7", dag_id="secateur_x", run_id="r1", task_id="approve_release", map_index=-1
    )
    with pytest.raises(TaskAwaitingInput):
        task.execute({"task": task, "ti": ti, "task_instance": ti})
    assert asked["body"] == "**int8**, package abababababab. it loses nothing"
    ((_, posted),) = webhook
    assert (
        posted["text"]
        .splitlines()[-1]
        .startswith(
            "answer: http://ui/dags/secateur_x/runs/r1/tasks/approve_release/required_actions"
        )
    )


def test_who_is_to_override_the_gate_is_told_why_it_refused(tmp_path: Path) -> None:
    said = {"accepted": False, "chosen": None, "package": None, "reason": "none passed"}
    (tmp_path / "verdict.json").write_text(json.dumps(said))
    assert found_by_gate(str(tmp_path)) == "The gate refused: none passed"


def test_a_verdict_that_cannot_be_read_here_is_named(tmp_path: Path) -> None:
    assert found_by_gate(str(tmp_path)) == f"The verdict lies at {tmp_path}."


def test_a_scenario_that_asks_nobody_has_no_approval() -> None:
    assert ask_approval({"title": "t", "release": {"channel": "latest"}}, "/v") is None

"""Publish what the gate refused, by the word of two people whom Airflow knows.

Whoever triggers the run is the first: the form names the night, the candidate, the digest of its
package from the report, why, and the last day for which it holds. A second person is asked in
*Required actions*, for half a day; the same person twice is refused. The night is then judged once
more, with both names, published and accepted; what the gate had said stays in the release.
"""

import json
from typing import Any

from airflow.sdk import DAG, Param, dag, task

from secateur_airflow import settings
from secateur_airflow.approval import Question, ask
from secateur_airflow.night import Night, draw_board, every_task
from secateur_airflow.signals.alerts import TellKept
from secateur_airflow.trigger_form import CHANNEL, scenario_of

HOURS = 12
SCENARIO = "{{ params.scenario }}"
NIGHT = f"{settings.runs_of(SCENARIO)}/{{{{ params.night }}}}"
FORM = {
    "scenario": scenario_of(settings.scenarios()),
    "night": Param(
        None, title="Night: its run's folder", type="string", pattern=r"^\d{8}T\d{6}-[0-9a-f]{6}$"
    ),
    "recipe": Param(None, title="Candidate", type="string", pattern="^[a-z0-9_]+$"),
    "package": Param(None, title="Digest of its package", type="string", pattern="^[0-9a-f]{64}$"),
    "reason": Param(None, title="Reason, kept in the release", type="string", minLength=10),
    "expires": Param(None, title="Last day of a night it is for", type="string", format="date"),
    "channel": CHANNEL,
}


@task
def both_names(second: str, params: dict[str, Any], dag_run: Any) -> str:  # noqa: ANN401 - Airflow's
    """The override as `judge_candidates` reads it."""
    names = [dag_run.triggering_user_name or "", json.loads(second)["by"]]
    said = {key: params[key] for key in ("recipe", "package", "reason", "expires")}
    return json.dumps(said | {"approvals": names}, sort_keys=True)


@dag(
    dag_id="secateur_override_gate",
    description="Publish what the gate refused, by the word of two people",
    schedule=None,
    max_active_runs=1,
    is_paused_upon_creation=False,
    params=FORM,
    tags=["secateur", "by hand"],
    default_args=every_task() | {"retries": 0},  # a person looks
    doc_md=__doc__,
)
def override_gate() -> None:
    """Ask the second person, judge anew, publish, accept."""
    night = Night()
    asked = "{{ dag_run.triggering_user_name }} overrides the gate: {{ params.recipe }} of "
    question = Question(f"{asked}{SCENARIO}, because {{{{ params.reason }}}}. You, too?", HOURS)
    second = ask("second_approval", question, f"{NIGHT}/verdict")
    state = {"state": settings.state(SCENARIO)}
    kept = {"dense": f"{NIGHT}/dense", "candidates": f"{NIGHT}/candidates"}
    measured = {"plan": f"{NIGHT}/plan", "scorecards": f"{NIGHT}/scorecards"}
    report = {"events-report": f"{NIGHT}/events_report"}

    judged = measured | kept | state | {"override": both_names(second)}
    verdict = {"verdict": night.task("judge_candidates", judged)}
    made = {"candidates": kept["candidates"], "window": f"{NIGHT}/window", "approval": second}
    store = {"store": settings.store()}
    release = night.task(
        "publish_release", made | report | verdict | store, on_success_callback=TellKept()
    )
    features = {"features": f"{NIGHT}/features"}
    accepted = night.task("accept_night", verdict | report | kept | features | state)
    release >> accepted >> draw_board(night, SCENARIO)


DAGS: list[DAG] = [override_gate()]

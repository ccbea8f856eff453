"""One night of one recommender: from raw logs to a release that services pull.

What the run was asked for is **checked** and its window fixed; a night whose day was not delivered
is skipped. The log is **cleaned** and **validated**; it becomes **features**, validated in turn; a
**dense** model is trained on them. A **plan** lists the candidates, and each is **pruned** and
**evaluated** on its own. The verdict **judges** them against the dense model and may refuse the
night: then nothing is published, and what is served stays untouched. Otherwise, where the scenario
asks for it, a person **approves**; the chosen one is **published** and its channel moves, as does
that of every **target** of the scenario's search. The night is then **accepted**: later nights hold
their events against it, may train on from its dense model and may keep to its cuts. Beside the
models a **snapshot** tells services what they cannot know of users and items; it does not wait for
the verdict. Channels are **renewed** first, whatever becomes of the night, and the **report** is
written whatever happened.

A task that failed without retry was *refused*, or asked wrongly: the last lines of its log say
why, and the evidence is sealed in the run's folder. A task that *crashed* is retried.
"""

from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

from airflow.sdk import DAG, TaskGroup, dag, get_current_context, task, task_group

from secateur_airflow import settings
from secateur_airflow.approval import ask_approval
from secateur_airflow.night import (
    GPU,
    MEASURE,
    MEASURED_OR_CRASHED,
    SPARK,
    ScenarioNight,
    channel_moves,
    draw_board,
    every_task,
)
from secateur_airflow.run_day import schedule_in
from secateur_airflow.scenario_files import dags_of
from secateur_airflow.signals.alerts import Alert, Overdue, TellKept
from secateur_airflow.signals.by_hand import TellEndedByHand, demand_finished
from secateur_airflow.signals.claims import Forget
from secateur_airflow.signals.failures import Record
from secateur_airflow.signals.notices import tell_end
from secateur_airflow.trigger_form import form_of

EVERY_NIGHT = {
    "catchup": False,
    "max_active_runs": 1,
    "auto_register": False,  # half of a DAG, where its file holds a mistake, is none
    "on_failure_callback": Overdue(),
    "doc_md": __doc__,
    "default_args": every_task(),
}
XCom = Any  # what a task answers, or will


def nightly(path: Path) -> DAG:
    """Declare the DAG of one scenario file."""
    night = ScenarioNight(path)
    scenario = night.said
    cron = scenario.get("schedule", "0 3 * * *") if settings.has_schedules() else None

    @dag(
        dag_id=f"secateur_{scenario['name']}",
        description=scenario["title"],
        schedule=schedule_in(night.timezone, cron),
        dagrun_timeout=timedelta(hours=scenario.get("deadline_hours", 20)),
        params=form_of(scenario),
        tags=["secateur", *scenario.get("tags", [])],
        **EVERY_NIGHT,
    )
    def recommender() -> None:
        wanted = publishing_wanted()
        window = check(night)
        data = read_log(night, window["last_day"])
        dense = train_dense(night, data)
        scorecards = prune_and_measure(night, dense, data)

        judged = judge(night, dense)
        release = publish(night, judged)
        accepted = accept(night, judged, dense, data)
        snapshot = publish_snapshot(night, data)
        renewed = night.task("renew_channel", {"store": night.store})
        end = report_and_close(night)

        scorecards >> judged.verdict
        wanted >> [renewed, release.first, snapshot]
        [release.last >> accepted, snapshot, renewed] >> end
        for target in scenario.get("search", {}).get("targets", []):
            judged = judge(night, dense, target["name"])
            scorecards >> judged.verdict
            release = publish(night, judged)
            wanted >> release.first
            release.last >> end

    return recommender()


class Data(NamedTuple):
    """What a night has read of its log."""

    events_report: XCom
    snapshot: XCom
    features: XCom
    report: XCom


class Dense(NamedTuple):
    """The model before any prune, the recipes to prune it by, and its own package."""

    model: XCom
    plan: XCom
    package: XCom


class Judged(NamedTuple):
    """The verdict for the scenario's channel, or for that of a target."""

    verdict: XCom
    target: str = ""


class Publishing(NamedTuple):
    """The tasks that publish: the first of them, which may ask a person, and the last."""

    first: XCom
    last: XCom


@task.short_circuit
def publishing_wanted(params: dict[str, Any]) -> bool:
    """Skip what follows in a dry run."""
    return not params["dry_run"]


def check(night: ScenarioNight) -> XCom:
    """Hold what the run was asked for against its scenario and its log, and wait for its day."""
    asked = {
        "form": "{{ dag_run.conf | tojson }}",
        "run-type": "{{ dag_run.run_type.value }}",
    }
    return night.task(
        "check_run",
        asked | {"store": night.store, "state": night.state, "run": "{run}"},
        multiple_outputs=True,
        patience=timedelta(hours=night.said.get("delivery_hours", 0)),
        oldest_first=True,
        on_skipped_callback=Alert(),
    )


def read_log(night: ScenarioNight, last_day: XCom) -> Data:
    """Clean and validate the log, turn it into features and validate those."""
    state = {"state": night.state}
    with TaskGroup("data", tooltip="From the raw log to inputs", prefix_group_id=False):
        events = night.task("clean_events", state | {"logs.last_day": last_day}, on=SPARK)
        events_report = night.task("validate_events", state | {"events": events}, on=SPARK)
        validated = state | {"events": events, "validation": events_report}
        features = night.task("build_features", validated, on=SPARK)
        report = night.task("validate_features", {"features": features}, on=SPARK)
        snapshot = night.task("build_snapshot", validated, on=SPARK)
    return Data(events_report, snapshot, features, report)


def train_dense(night: ScenarioNight, data: Data) -> Dense:
    """Train the model, plan how to prune it, and package it as it is."""
    trained_on = {"features": data.features, "validation": data.report, "state": night.state}
    with TaskGroup("dense", tooltip="The model before any prune", prefix_group_id=False):
        model = night.task("train_model", trained_on | {"checkpoints": "{run}/checkpoints"}, on=GPU)
        seen = {"dense": model, "features": data.features}
        plan = night.task("plan_candidates", seen | {"checkpoints": "{run}/search"})
        package = prune(night, Dense(model, plan, None), data, "dense", task_id="package_dense")
    return Dense(model, plan, package)


def prune(night: ScenarioNight, dense: Dense, data: Data, recipe: XCom, **named: str) -> XCom:
    """Prune by one recipe, and package what is left."""
    inputs = {"dense": dense.model, "features": data.features, "state": night.state}
    inputs |= {"recipe": recipe, "plan": dense.plan["uri"]}
    return night.task("prune_model", inputs, on=GPU, candidate=recipe, **named)


def prune_and_measure(night: ScenarioNight, dense: Dense, data: Data) -> XCom:
    """Prune by every recipe of the plan, each on its own: where one fails the others go on."""

    @task_group(default_args={"on_failure_callback": Record()})
    def candidate(recipe: str) -> None:
        """Prune by one recipe, and measure what comes of it."""
        packages = {"package": prune(night, dense, data, recipe), "dense-package": dense.package}
        inputs = packages | {"features": data.features, "store": night.store}
        night.task("evaluate_package", inputs, on=MEASURE, candidate=recipe)

    return candidate.expand(recipe=dense.plan)


def judge(night: ScenarioNight, dense: Dense, target: str = "") -> Judged:
    """Judge what was measured, for the scenario's channel or for a target of its search."""
    measured = {"scorecards": "{run}/scorecards", "candidates": "{run}/candidates"}
    verdict = night.task(
        "judge_candidates",
        measured
        | {"plan": dense.plan["uri"], "dense": dense.model, "state": night.state}
        | ({"target": target} if target else {}),
        task_id=f"judge_{target}" if target else "judge_candidates",
        below=["targets", target] if target else [],
        trigger_rule=MEASURED_OR_CRASHED,
    )
    return Judged(verdict, target)


def publish(night: ScenarioNight, judged: Judged) -> Publishing:
    """Ask a person where the scenario says so, and publish what the verdict chose."""
    target = judged.target
    approved = ask_approval(night.said, judged.verdict, target)
    made = {"candidates": "{run}/candidates", "window": "{run}/window", "store": night.store}
    made |= {"events-report": "{run}/events_report", "verdict": judged.verdict}
    release = night.task(
        "publish_release",
        made
        | ({"target": target} if target else {})
        | ({"approval": approved} if approved is not None else {}),
        task_id=f"publish_{target}" if target else "publish_release",
        below=["targets", target] if target else [],
        on_success_callback=TellKept(),
        outlets=[channel_moves(night.said["name"])],
    )
    return Publishing(release if approved is None else approved, release)


def accept(night: ScenarioNight, judged: Judged, dense: Dense, data: Data) -> XCom:
    """Let later nights stand on this one."""
    model = {"dense": dense.model, "features": data.features, "candidates": "{run}/candidates"}
    evidence = {"verdict": judged.verdict, "events-report": data.events_report}
    return night.task("accept_night", model | evidence | {"state": night.state})


def publish_snapshot(night: ScenarioNight, data: Data) -> XCom:
    """Tell services what they cannot know of users and items."""
    told = {"snapshot": data.snapshot, "validation": data.events_report, "store": night.store}
    moved = channel_moves(f"{night.said['name']}_snapshot")
    return night.task("publish_snapshot", told, outlets=[moved])


def report_and_close(night: ScenarioNight) -> Any:  # noqa: ANN401 - an operator of Airflow's
    """Write the report whatever happened, draw the board, tell people, fail what was left undone.

    All are teardowns: they run, too, where a person marks the run failed. Returns the first.
    """
    before = [Forget(), TellEndedByHand()]

    @task(on_failure_callback=None, on_execute_callback=None)
    def close_night() -> None:
        """Tell people, then fail a night left undone, which Airflow alone would call a success."""
        context = get_current_context()
        ending = context["ti"].xcom_pull(task_ids="report_night") or {}
        tell_end(context, ending)
        demand_finished(context)

    with TaskGroup("end", tooltip="However the night went", prefix_group_id=False):
        seen = {"run": "{run}", "state": night.state}
        report = night.task("report_night", seen, on_execute_callback=before)
        board = draw_board(night, night.said["name"])
        close = close_night().operator.as_teardown(on_failure_fail_dagrun=True)
        report.operator.as_teardown() >> board.operator.as_teardown() >> close
    return report.operator


DAGS = dags_of(settings.scenarios(), nightly)
globals().update(DAGS)  # Airflow looks for DAGs among the module's own names

"""One night of one recommender: from raw logs to a release that services pull.

What the run was asked for is **checked** and its window fixed; a night whose day was not delivered
is skipped. The log is **cleaned** and **validated**; it becomes **features**, validated in turn; a
**dense** model is trained on them. A **plan** lists the candidates, and each is **pruned** and
**evaluated** on its own. The verdict **judges** them against the dense model and may refuse the
night: then nothing is published, and what is served stays untouched. Otherwise the chosen one is
**published** and its channel moves, as does that of every **target** of the scenario's search. The
night is then **accepted**: later nights hold their events against it, may train on from its dense
model and may keep to its cuts. Beside the models a **snapshot** tells services what they cannot
know of users and items; it does not wait for the verdict. The **report** is written whatever
happened.

A task that failed without retry was *refused*, or asked wrongly: the last lines of its log say
why, and the evidence is sealed in the run's folder. A task that *crashed* is retried.
"""

import tomllib
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

from airflow.sdk import DAG, Asset, Param, TaskGroup, dag, get_current_context, task, task_group

from secateur_airflow import settings
from secateur_airflow.alerts import Alert, Overdue, TellKept
from secateur_airflow.by_hand import TellEndedByHand, demand_finished
from secateur_airflow.failures import Forget, Record
from secateur_airflow.night import GPU, MEASURE, MEASURED_OR_CRASHED, SPARK, Night, every_task
from secateur_airflow.run_day import schedule_in

MEASURED = {"scorecards": "{run}/scorecards", "candidates": "{run}/candidates"}
MADE = {
    "candidates": "{run}/candidates",
    "window": "{run}/window",
    "events-report": "{run}/events_report",
}
EVERY_NIGHT = {
    "catchup": False,
    "max_active_runs": 1,
    "on_failure_callback": Overdue(),
    "doc_md": __doc__,
    "default_args": every_task(),
}


def nightly(path: Path) -> DAG:
    """Declare the DAG of one scenario file."""
    scenario = tomllib.loads(path.read_text())
    night = Night(str(path), scenario["logs"].get("timezone", "UTC"))
    cron = scenario.get("schedule", "0 3 * * *") if settings.has_schedules() else None

    @dag(
        dag_id=f"secateur_{scenario['name']}",
        description=scenario["title"],
        schedule=schedule_in(night.timezone, cron),
        dagrun_timeout=timedelta(hours=scenario.get("deadline_hours", 20)),
        params=form(scenario),
        tags=["secateur", *scenario.get("tags", [])],
        **EVERY_NIGHT,
    )
    def recommender() -> None:
        state, store = settings.state(scenario["name"]), settings.store()

        shared = {"store": store, "state": state, "run": "{run}"}
        window = check(night, shared, scenario.get("delivery_hours", 0))
        with TaskGroup("data", tooltip="From the raw log to inputs", prefix_group_id=False):
            data = read_log(night, state, window["last_day"])
        trained_on = {"features": data.features, "validation": data.report, "state": state}
        with TaskGroup("dense", tooltip="The model before any prune", prefix_group_id=False):
            trained_on |= {"checkpoints": "{run}/checkpoints"}
            dense = night.task("train_model", trained_on, on=GPU)
            model = {"dense": dense, "features": data.features}
            plan = night.task("plan_candidates", model | {"checkpoints": "{run}/search"})

            def prune(recipe: Any, **named: str) -> Any:  # noqa: ANN401 - XComs
                inputs = model | {"recipe": recipe, "plan": plan["uri"], "state": state}
                return night.task("prune_model", inputs, on=GPU, candidate=recipe, **named)

            dense_package = prune("dense", task_id="package_dense")

        @task_group(default_args={"on_failure_callback": Record()})  # the others go on
        def candidate(recipe: str) -> None:
            """Prune by one recipe, and measure what comes of it."""
            packages = {"package": prune(recipe), "dense-package": dense_package}
            inputs = packages | {"features": data.features, "store": store}
            night.task("evaluate_package", inputs, on=MEASURE, candidate=recipe)

        @task.short_circuit
        def publishing_wanted(params: dict[str, Any]) -> bool:
            """Skip what follows in a dry run."""
            return not params["dry_run"]

        scorecards, wanted = candidate.expand(recipe=plan), publishing_wanted()
        judged = {"plan": plan["uri"], "dense": dense, "state": state, **MEASURED}
        verdict = night.task("judge_candidates", judged, trigger_rule=MEASURED_OR_CRASHED)
        release = night.task(
            "publish_release",
            MADE | {"verdict": verdict, "store": store},
            on_success_callback=TellKept(),
            outlets=[Asset(f"{store}/{scenario['name']}")],
        )
        evidence = {"verdict": verdict, "events-report": data.events_report, "state": state}
        accepted = night.task("accept_night", model | evidence | {"candidates": "{run}/candidates"})
        told = {"snapshot": data.snapshot, "validation": data.events_report, "store": store}
        where = Asset(f"{store}/{scenario['name']}_snapshot")
        snapshot = night.task("publish_snapshot", told, outlets=[where])
        report = report_and_close(night, state)
        scorecards >> verdict
        wanted >> [release, snapshot]
        [release >> accepted, snapshot] >> report

        for target in scenario.get("search", {}).get("targets", []):
            target_verdict, target_release = add_target(night, target["name"], judged)
            scorecards >> target_verdict
            [target_verdict, wanted] >> target_release >> report

    return recommender()


def check(night: Night, shared: dict[str, str], hours: float) -> Any:  # noqa: ANN401 - an XCom
    """Hold what the run was asked for against its scenario and its log, and wait for its day."""
    asked = {
        "form": "{{ dag_run.conf | tojson }}",
        "run-type": "{{ dag_run.run_type.value }}",
    }
    return night.task(
        "check_run",
        asked | shared,
        multiple_outputs=True,
        patience=timedelta(hours=hours),
        on_skipped_callback=Alert(),
    )


class Data(NamedTuple):
    """XComs of what a night has read of its log."""

    events_report: Any
    snapshot: Any
    features: Any
    report: Any


def read_log(night: Night, state: str, last_day: Any) -> Data:  # noqa: ANN401 - an XCom
    """Clean and validate the log, turn it into features and validate those."""
    events = night.task("clean_events", {"state": state, "logs.last_day": last_day}, on=SPARK)
    events_report = night.task("validate_events", {"events": events, "state": state}, on=SPARK)
    validated = {"events": events, "validation": events_report, "state": state}
    features = night.task("build_features", validated, on=SPARK)
    report = night.task("validate_features", {"features": features}, on=SPARK)
    snapshot = night.task("build_snapshot", validated, on=SPARK)
    return Data(events_report, snapshot, features, report)


def report_and_close(night: Night, state: str) -> Any:  # noqa: ANN401 - an operator of Airflow's
    """Write the report whatever happened, then fail if the night was left undone; return the first.

    Both are teardowns: they run, too, where a person marks the run failed.
    """
    before = [Forget(), TellEndedByHand()]

    @task(on_failure_callback=None, on_execute_callback=None)
    def close_night() -> None:
        """Fail where the night was left undone, which Airflow alone would call a success."""
        demand_finished(get_current_context())

    with TaskGroup("end", tooltip="However the night went", prefix_group_id=False):
        report = night.task(
            "report_night", {"run": "{run}", "state": state}, on_execute_callback=before
        )
        report.operator.as_teardown()
        report.operator >> close_night().operator.as_teardown(on_failure_fail_dagrun=True)
    return report.operator


def add_target(night: Night, name: str, judged: dict[str, Any]) -> tuple[Any, Any]:
    """Judge the night for one target of the search, and publish on a channel of its own.

    Returns the verdict and the release.
    """
    verdict = night.task(
        "judge_candidates",
        judged | {"target": name},
        task_id=f"judge_{name}",
        below=["targets", name],
        trigger_rule=MEASURED_OR_CRASHED,
    )
    release = night.task(
        "publish_release",
        MADE | {"verdict": verdict, "store": settings.store(), "target": name},
        on_success_callback=TellKept(),
        task_id=f"publish_{name}",
        below=["targets", name],
    )
    return verdict, release


def form(scenario: dict[str, Any]) -> dict[str, Param]:
    """The trigger form: every value typed, every default the scenario's."""
    names = [candidate["name"] for candidate in scenario.get("candidates", [])]
    day = {"type": ["null", "string"], "format": "date"}
    return {
        "first_day": Param(None, title="First day", description="Default: by the window", **day),
        "last_day": Param(None, title="Last day", description="Default: newest in the log", **day),
        # None where a search alone finds the recipes.
        "candidates": Param(
            names or None,
            title="Candidates",
            type=["null", "array"],
            examples=names,
            minItems=1,
        ),
        "margin": Param(
            scenario["judgement"]["margin"],
            title="Non-inferiority margin (AUC)",
            type="number",
            exclusiveMinimum=-1,
            exclusiveMaximum=1,
        ),
        "channel": Param(
            scenario.get("release", {}).get("channel", "latest"),
            title="Channel",
            type="string",
            pattern="^[a-z0-9][a-z0-9_-]*$",
        ),
        "dry_run": Param(False, title="Dry run: judge, but publish nothing", type="boolean"),
        "again": Param(False, title="Again: run even where nothing is new", type="boolean"),
        "older_data": Param(
            False, title="Older data: let the channel go back to older days", type="boolean"
        ),
    }


DAGS = [nightly(path) for path in sorted(settings.scenarios().glob("*.toml"))]

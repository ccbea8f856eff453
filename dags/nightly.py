"""One night of one recommender: from raw logs to a release that services pull.

What the run was asked for is **checked** and its window fixed; a night whose day was not delivered
is skipped. The log is **cleaned** and **validated**; it becomes **features**, validated in turn; a
**dense** model is trained on them. A **plan** lists the candidates, and each is **pruned** and
**evaluated** on its own. The verdict **judges** them against the dense model and may refuse the
night: then nothing is published, and what is served stays untouched. Otherwise the chosen one is
**published** and its channel moves, as does that of every **target** of the scenario's search. The
night is then **accepted**: later nights hold their events against it, may train on from its dense
model and may keep to its cuts. The **report** is written whatever happened.

A task that failed without retry was *refused*, or asked wrongly: the last lines of its log say
why, and the evidence is sealed in the run's folder. A task that *crashed* is retried.
"""

import tomllib
from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import DAG, Asset, Param, dag, get_current_context, task, task_group

from secateur_airflow import settings
from secateur_airflow.alerts import Alert, Overdue, TellKept
from secateur_airflow.by_hand import TellEndedByHand, demand_finished
from secateur_airflow.failures import Forget, Record
from secateur_airflow.night import GPU, MEASURE, MEASURED_OR_CRASHED, SPARK, Night
from secateur_airflow.run_day import schedule_in

EVERY_TASK = {
    "retries": 3,
    "retry_delay": settings.first_retry(),
    "retry_exponential_backoff": True,
    "max_retry_delay": timedelta(minutes=15),
    "on_execute_callback": Forget(),
    "on_failure_callback": Alert(),
}
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
    "default_args": EVERY_TASK,
}


def nightly(path: Path) -> DAG:
    """Declare the DAG of one scenario file."""
    scenario = tomllib.loads(path.read_text())
    night = Night(str(path), scenario["logs"].get("timezone", "UTC"))
    cron = scenario.get("schedule", "0 3 * * *") if settings.scheduled() else None

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

        window = check(night, store)
        log = {"state": state, "logs.last_day": window["last_day"]}
        events = night.task("clean_events", log, on=SPARK)
        events_report = night.task("validate_events", {"events": events, "state": state}, on=SPARK)
        features = night.task(
            "build_features",
            {"events": events, "validation": events_report, "state": state},
            on=SPARK,
        )
        features_report = night.task("validate_features", {"features": features}, on=SPARK)
        trained_on = {"features": features, "validation": features_report, "state": state}
        dense = night.task("train_model", trained_on | {"checkpoints": "{run}/checkpoints"}, on=GPU)
        model = {"dense": dense, "features": features}
        plan = night.task("plan_candidates", model | {"checkpoints": "{run}/search"})

        def prune(recipe: Any, **named: str) -> Any:  # noqa: ANN401 - XComs
            inputs = model | {"recipe": recipe, "plan": plan["uri"], "state": state}
            return night.task("prune_model", inputs, on=GPU, candidate=recipe, **named)

        dense_package = prune("dense", task_id="package_dense")

        @task_group(default_args={"on_failure_callback": Record()})  # the others go on
        def candidate(recipe: str) -> None:
            packages = {"package": prune(recipe), "dense-package": dense_package}
            inputs = packages | {"features": features, "store": store}
            night.task("evaluate_package", inputs, on=MEASURE, candidate=recipe)

        @task.short_circuit
        def publishing_wanted(params: dict[str, Any]) -> bool:
            return not params["dry_run"]

        scorecards, wanted = candidate.expand(recipe=plan), publishing_wanted()
        judged = {"plan": plan["uri"], "dense": dense, "state": state, **MEASURED}
        verdict = night.task(
            "judge_candidates",
            judged,
            trigger_rule=MEASURED_OR_CRASHED,
        )
        release = night.task(
            "publish_release",
            MADE | {"verdict": verdict, "store": store},
            on_success_callback=TellKept(),
            outlets=[Asset(f"{store}/{scenario['name']}")],
        )
        evidence = {"verdict": verdict, "events-report": events_report, "state": state}
        accepted = night.task("accept_night", model | evidence | {"candidates": "{run}/candidates"})
        report = report_and_close(night)
        scorecards >> verdict >> wanted >> release >> accepted >> report

        for target in scenario.get("search", {}).get("targets", []):
            target_verdict, target_release = add_target(night, target["name"], judged)
            scorecards >> target_verdict
            [target_verdict, wanted] >> target_release >> report

    return recommender()


def check(night: Night, store: str) -> Any:  # noqa: ANN401 - an XCom
    """Hold what the run was asked for against its scenario and its log."""
    asked = {
        "form": "{{ dag_run.conf | tojson }}",
        "run-type": "{{ dag_run.run_type.value }}",
        "store": store,
    }
    return night.task("check_run", asked, multiple_outputs=True, on_skipped_callback=Alert())


def report_and_close(night: Night) -> Any:  # noqa: ANN401 - an operator of Airflow's
    """Write the report whatever happened, then fail if the night was left undone; return the first.

    Both are teardowns: they run, too, where a person marks the run failed.
    """
    report = night.task(
        "report_night", {"run": "{run}"}, on_execute_callback=[Forget(), TellEndedByHand()]
    ).operator.as_teardown()

    @task(on_failure_callback=None, on_execute_callback=None, retries=0)
    def close_night() -> None:
        demand_finished(get_current_context())

    report >> close_night().operator.as_teardown(on_failure_fail_dagrun=True)
    return report


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

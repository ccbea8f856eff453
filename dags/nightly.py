"""One night of one recommender: from raw logs to a release that services pull.

The log is **cleaned** and **validated**; it becomes **features**, validated in turn; a **dense**
model is trained on them. A **plan** lists the candidates, and each is **pruned** and **measured**
on its own. The verdict **judges** them against the dense model and may refuse the night: then
nothing is published, and what is served stays untouched. Else the one chosen is **published** and
its channel moves, as does that of every **rung** of the ladder, and the night is **accepted**: the
events of the nights to come are held against its own, their training may go on from its dense
model, and their cuts may hold to its own. The **report** is written whatever happened.

A task that failed without retry was *refused*, or asked wrongly: the last lines of its log say
why, and the evidence is sealed in the run's folder. A task that *crashed* is retried.
"""

import tomllib
from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import DAG, Asset, Param, dag, task, task_group

from secateur_airflow.alerts import Alert
from secateur_airflow.night import GPU, MEASURE, MEASURED_OR_CRASHED, SPARK, Night
from secateur_airflow.places import scenarios, state, store

EVERY_TASK = {
    "retries": 2,
    "retry_delay": timedelta(seconds=10),
    "on_failure_callback": Alert(),
}


def nightly(path: Path) -> DAG:
    """Declare the DAG of one scenario file."""
    scenario = tomllib.loads(path.read_text())
    night = Night(str(path))

    @dag(
        dag_id=f"secateur_{scenario['name']}",
        description=scenario["title"],
        schedule=scenario.get("schedule", "0 3 * * *"),
        catchup=False,
        max_active_runs=1,
        params=form(scenario),
        tags=["secateur", *scenario.get("tags", [])],
        doc_md=__doc__,
        default_args=EVERY_TASK,
    )
    def recommender() -> None:
        memory = state(scenario["name"])
        events = night.task("clean_events", {"state": memory}, on=SPARK)
        events_report = night.task("validate_events", {"events": events, "state": memory}, on=SPARK)
        features = night.task(
            "build_features",
            {"events": events, "validation": events_report, "state": memory},
            on=SPARK,
        )
        features_report = night.task("validate_features", {"features": features}, on=SPARK)
        trained_on = {"features": features, "validation": features_report}
        kept = {"state": memory, "checkpoints": "{run}/checkpoints"}
        dense = night.task("train_model", trained_on | kept, on=GPU)
        made = {"dense": dense, "features": features}
        plan = night.task("plan_candidates", made | {"checkpoints": "{run}/search"})

        def package(recipe: Any, **named: str) -> Any:  # noqa: ANN401 - XComs
            inputs = {"recipe": recipe, "plan": plan["uri"], "state": memory}
            return night.task("prune_model", made | inputs, on=GPU, candidate=recipe, **named)

        baseline = package("dense", task_id="package_dense")

        @task_group
        def candidate(recipe: str) -> None:
            inputs = {"package": package(recipe), "dense-package": baseline, "features": features}
            night.task("evaluate_package", inputs, on=MEASURE, candidate=recipe)

        verdict = night.task(
            "judge_candidates",
            {"plan": plan["uri"], "scorecards": "{run}/scorecards"},
            trigger_rule=MEASURED_OR_CRASHED,
        )
        release = night.task(
            "publish_release",
            {"verdict": verdict, "candidates": "{run}/candidates", "store": store()},
            outlets=[Asset(f"{store()}/{scenario['name']}")],
        )
        ended = {"verdict": verdict, "events-report": events_report, "state": memory}
        accepted = night.task("accept_night", made | ended | {"candidates": "{run}/candidates"})
        report = night.task("report_night", {"run": "{run}"})

        @task.short_circuit
        def publishing_wanted(params: dict[str, Any]) -> bool:
            return not params["dry_run"]

        measured, wanted = candidate.expand(recipe=plan), publishing_wanted()
        measured >> verdict >> wanted >> release
        release >> accepted >> report.operator.as_teardown()

        for target in scenario.get("search", {}).get("targets", []):
            judged, published = rung(night, target["name"], plan, measured)
            [judged, wanted] >> published >> report.operator

    return recommender()


def rung(
    night: Night,
    target: str,
    plan: Any,  # noqa: ANN401 - an XCom
    measured: Any,  # noqa: ANN401 - the group of candidates
) -> tuple[Any, Any]:
    """Judge the night for one target of the scenario's search, and publish on a channel of its."""
    inputs = {"plan": plan["uri"], "scorecards": "{run}/scorecards", "target": target}
    place = ["ladder", target]
    judged = night.task(
        "judge_candidates",
        inputs,
        task_id=f"judge_{target}",
        below=place,
        trigger_rule=MEASURED_OR_CRASHED,
    )
    measured >> judged
    released = {"verdict": judged, "candidates": "{run}/candidates", "store": store()}
    published = night.task(
        "publish_release",
        released | {"target": target},
        task_id=f"publish_{target}",
        below=place,
    )
    return judged, published


def form(scenario: dict[str, Any]) -> dict[str, Param]:
    """The trigger form: every value typed, every default the scenario's."""
    names = [candidate["name"] for candidate in scenario.get("candidates", [])]
    day = {"type": ["null", "string"], "format": "date"}
    return {
        "first_day": Param(None, title="First day", description="Default: by the window", **day),
        "last_day": Param(None, title="Last day", description="Default: newest in the log", **day),
        "candidates": Param(names, title="Candidates", type="array", examples=names, minItems=1),
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
    }


DAGS = [nightly(path) for path in sorted(scenarios().glob("*.toml"))]

"""What the DAG file is written with: a verb becomes a task, with a pool and an output folder."""

import ast
import tomllib
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any

from airflow.sdk import AssetAlias, TriggerRule, XComArg

from secateur_airflow import settings
from secateur_airflow.signals.alerts import Alert
from secateur_airflow.signals.claims import Forget
from secateur_airflow.verb import Verb

OWNER = "secateur"
CPU, MEASURE, SPARK, GPU = "cpu", "measure", "spark", "gpu"

# A crashed candidate does not keep the others from being judged.
MEASURED_OR_CRASHED = TriggerRule.ALL_DONE_MIN_ONE_SUCCESS

# Where each verb's output goes, below the run's folder.
OUTPUT_FOLDERS = {
    "check_run": "window",
    "clean_events": "events",
    "validate_events": "events_report",
    "build_features": "features",
    "validate_features": "features_report",
    "build_snapshot": "snapshot",
    "train_model": "dense",
    "plan_candidates": "plan",
    "prune_model": "candidates",
    "evaluate_package": "scorecards",
    "judge_candidates": "verdict",
    "publish_release": "release",
    "publish_snapshot": "snapshot_release",
    "renew_channel": "renewal",
    "accept_night": "accepted",
    "draw_board": "board",
    "report_night": "report",
    "roll_back": "roll_back",
    "republish_release": "republish",
    "hold_channel": "hold",
    "sweep_releases": "sweep",
    "sweep_nights": "sweep",
}


class Night:
    """Turns verbs into tasks for one scenario file, whose log's days end by `timezone`.

    Without a file, the form's `scenario` names it.
    """

    def __init__(self, scenario: str = "", timezone: str = "UTC") -> None:
        self.scenario = scenario
        self.timezone = timezone

    def task(
        self,
        name: str,
        inputs: Mapping[str, Any] | None = None,
        *,
        on: str = CPU,
        candidate: Any = None,  # noqa: ANN401 - a name, or the XCom that holds it
        below: Sequence[str] = (),
        **airflow_arguments: Any,  # noqa: ANN401 - BaseOperator's own
    ) -> XComArg:
        """Declare one task and return its XCom: what the verb answers.

        The output goes to `<run>/<below>/<verb's folder>/<candidate>`, without run where `below`
        begins with a URI; `candidate` tells the many outputs of one verb apart.
        """
        path = [*below, OUTPUT_FOLDERS[name], *([] if candidate is None else [candidate])]
        operator = operator_for(on)(
            task_id=airflow_arguments.pop("task_id", name),
            verb=Verb(name, self.scenario, self.timezone),
            inputs=inputs or {},
            output_path=path,
            pool=settings.pool_of(on),
            queue=settings.read(f"{on}_queue", "default"),
            execution_timeout=settings.time_limit(on),
            doc_md=docstring_of(name),
            map_index_template=None if candidate is None else "{{ task.output_path[-1] }}",
            **airflow_arguments,
        )
        return XComArg(operator)


class ScenarioNight(Night):
    """The tasks of one scenario file, what it says, and where its things lie."""

    def __init__(self, path: Path) -> None:
        self.said: dict[str, Any] = tomllib.loads(path.read_text())
        super().__init__(str(path), self.said["logs"].get("timezone", "UTC"))

    @property
    def state(self) -> str:
        """URI of what nights leave to later ones."""
        return settings.state(self.said["name"])

    @property
    def store(self) -> str:
        """Root URI of the releases."""
        return settings.store()


def draw_board(night: Night, scenario: str) -> XComArg:
    """Draw the board of a scenario anew, where the plugin looks for it."""
    read = {"runs": settings.runs_of(scenario), "store": settings.store()}
    return night.task("draw_board", read, below=[settings.state(scenario)])


def channel_moves(name: str) -> AssetAlias:
    """What a task that publishes may move: which channel of `<store>/<name>`, the run decides."""
    return AssetAlias(f"{settings.store()}/{name}")


@cache
def docstring_of(verb: str) -> str:
    """What a verb says of itself; empty where its file lies on other machines only."""
    try:
        text = Path(Verb(verb, "").script(settings.jobs())).read_text()
    except OSError:
        return ""
    return ast.get_docstring(ast.parse(text)) or ""


def every_task() -> dict[str, Any]:
    """What all tasks share: an owner, retries of a crash, and an alert once they are used up."""
    return {
        "owner": OWNER,
        "retries": 3,
        "retry_delay": settings.first_retry(),
        "retry_exponential_backoff": True,
        "max_retry_delay": timedelta(minutes=15),
        "on_execute_callback": Forget(),
        "on_failure_callback": Alert(),
    }


def operator_for(on: str) -> Any:  # noqa: ANN401 - makes one of three operators
    """The operator that the configuration asks for; each is imported only where it is wanted."""
    place = settings.place(on)
    if place == settings.SUBMIT:
        from secateur_airflow.places.on_spark import VerbOnSpark

        return VerbOnSpark
    if place == settings.POD:
        from secateur_airflow.places.in_pod import VerbInPod

        return partial(VerbInPod, template=settings.pod_template(on))
    from secateur_airflow.places.process import VerbProcess

    return VerbProcess

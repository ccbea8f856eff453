"""What a person does by a form: each DAG is one verb, whose command line its own parser takes."""

import datetime
import importlib
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import ParamValidationError
from airflow.serialization.serialized_objects import DagSerialization

from secateur.command import verb_flags
from secateur.flags import hold_flags, night_sweep_flags, roll_back_flags, sweep_flags

PROJECT = Path(__file__).parents[2]
FLAGS = {
    "roll_back": roll_back_flags,
    "republish_release": roll_back_flags,
    "hold_channel": hold_flags,
    "sweep_releases": sweep_flags,
}
FORMS: dict[str, dict[str, Any]] = {
    "roll_back": {"release": 3, "reason": "CTR fell", "channel": None},
    "republish_release": {"release": 4, "reason": "it is over", "channel": "canary"},
    "hold_channel": {"release": None, "reason": "wait", "channel": None, "resume": True},
    "sweep_releases": {"keep": 7, "grace_hours": 24, "delete": True},
}
RUN = SimpleNamespace(
    run_id="manual__x",
    dag_id="secateur_roll_back",
    run_after=datetime.datetime(2026, 1, 2),
    run_type="manual",
    data_interval_end=None,
    triggering_user_name="ada",
    conf={},
)


@pytest.fixture(scope="module")
def dags(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    sys.path.insert(0, str(PROJECT / "dags"))
    return {dag.dag_id: dag for dag in importlib.import_module("by_hand").DAGS}


def command_line(dag: Any, verb: str, form: dict[str, Any]) -> dict[str, Any]:
    """What the verb's own parser makes of the task's command line."""
    task = dag.get_task(verb)
    context = {"dag_run": RUN, "params": {"scenario": "short_video", **form}}
    inputs = {
        name: task.render_template(value, context, dag.get_template_env())
        for name, value in task.inputs.items()
    }
    parser = verb_flags(verb, None, ("store",), ())
    FLAGS[verb](parser)
    return vars(parser.parse_args(task.verb.arguments(context, inputs, task.output_path)))


@pytest.mark.parametrize("verb", FLAGS)
def test_a_form_becomes_the_verbs_command_line(dags: dict[str, Any], verb: str) -> None:
    dag = dags[f"secateur_{verb}"]
    form = FORMS[verb]
    said = command_line(dag, verb, form)
    assert {name: said[name] for name in form if name != "channel"} == {
        name: value for name, value in form.items() if name != "channel"
    }
    assert Path(said["scenario"]) == PROJECT / "jobs" / "scenarios" / "short_video.toml"
    channel = form.get("channel")
    assert ('release.channel="canary"' in said["set"]) == (channel == "canary")
    if "reason" in form:
        assert said["by"] == "ada"


def test_a_switch_that_is_off_is_left_out(dags: dict[str, Any]) -> None:
    dag = dags["secateur_sweep_releases"]
    form = FORMS["sweep_releases"] | {"delete": False}
    assert command_line(dag, "sweep_releases", form)["delete"] is False


def test_the_forms_are_typed_and_nothing_runs_by_itself(dags: dict[str, Any]) -> None:
    assert len(dags) == len(FLAGS)
    for dag in dags.values():
        assert dag.schedule is None
        assert dag.max_active_runs == 1
        assert "short_video" in dag.params.get_param("scenario").schema["enum"]
        assert dag.tasks[0].doc_md
    roll_back = dags["secateur_roll_back"].params
    for name, bad in (("release", "three"), ("release", 0), ("reason", " "), ("channel", "a b")):
        with pytest.raises(ParamValidationError):
            roll_back.get_param(name).resolve(bad)


def test_a_hold_pins_or_resumes_and_not_both(dags: dict[str, Any]) -> None:
    dag, pinned = dags["secateur_hold_channel"], FORMS["hold_channel"] | {"release": 3}
    assert command_line(dag, "hold_channel", pinned | {"resume": False})["release"] == 3
    with pytest.raises(SystemExit):
        command_line(dag, "hold_channel", pinned)


def test_old_nights_are_swept_a_task_a_scenario_and_only_once_somebody_unpauses(
    dags: dict[str, Any],
) -> None:
    dag = importlib.import_module("retention").DAG
    names = {path.stem for path in (PROJECT / "jobs" / "scenarios").glob("*.toml")}
    assert {task.task_id for task in dag.tasks} == {"sweep_logs", *(f"sweep_{n}" for n in names)}
    task, form = dag.get_task("sweep_short_video"), {"keep": 3, "keep_days": 40, "delete": False}
    context = {"dag_run": RUN, "params": form}
    inputs = {
        name: task.render_template(value, context, dag.get_template_env())
        for name, value in task.inputs.items()
    }
    parser = verb_flags("sweep_nights", None, ("run", "state"), ())
    night_sweep_flags(parser)
    said = vars(parser.parse_args(task.verb.arguments(context, inputs, task.output_path)))
    assert (said["keep"], said["keep_days"], said["delete"]) == (3, 40.0, False)
    assert said["run"].endswith("/runs/short_video")
    assert said["state"].endswith("/runs/state/short_video")
    assert dag.is_paused_upon_creation is None
    for one in (dag, *dags.values()):
        stored = DagSerialization.from_dict(DagSerialization.to_dict(one))
        assert set(stored.task_dict) == set(one.task_dict)

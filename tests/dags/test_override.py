"""Overriding the gate from Airflow: two people, one package, and verbs that take the commands."""

import importlib
import json
import sys
from typing import Any

import pytest
from airflow.sdk.exceptions import ParamValidationError
from airflow.serialization.serialized_objects import DagSerialization

from secateur.command import verb_flags
from secateur.judgement.override import read_override

from .test_by_hand import PROJECT, RUN

SAID = json.dumps({"at": "2026-05-09T04:00:00+00:00", "by": "grace", "reason": ""})
FORM = {
    "scenario": "short_video",
    "night": "20260509T190000-aaaaaa",
    "recipe": "int8",
    "package": "ab" * 32,
    "reason": "the sale starts at midnight",
    "expires": "2026-05-08",
    "channel": None,
}
FLAGS = {
    "judge_candidates": (
        ("plan", "scorecards"),
        ("candidates", "target", "state", "dense", "override"),
    ),
    "publish_release": (
        ("candidates", "verdict", "store"),
        ("target", "window", "events-report", "approval"),
    ),
    "accept_night": (
        ("verdict", "events-report", "dense", "state"),
        ("features", "candidates"),
    ),
}


@pytest.fixture(scope="module")
def override() -> Any:
    sys.path.insert(0, str(PROJECT / "dags"))
    return importlib.import_module("override")


@pytest.fixture(scope="module")
def dag(override: Any) -> Any:
    return override.DAGS[0]


def test_the_second_person_is_asked_before_anything_is_judged(dag: Any) -> None:
    edges = {task.task_id: set(task.upstream_task_ids) for task in dag.tasks}
    assert edges == {
        "second_approval": set(),
        "both_names": {"second_approval"},
        "judge_candidates": {"both_names"},
        "publish_release": {"judge_candidates", "second_approval"},
        "accept_night": {"judge_candidates", "publish_release"},
        "draw_board": {"accept_night"},
    }
    assert set(DagSerialization.from_dict(DagSerialization.to_dict(dag)).task_dict) == set(edges)


def test_the_override_names_whoever_triggered_and_whoever_answered(override: Any) -> None:
    text = override.both_names.function(SAID, FORM, RUN)
    read = read_override(text)
    assert read.approvals == ("ada", "grace")
    assert (read.recipe, read.package, read.expires) == ("int8", "ab" * 32, "2026-05-08")
    alone = json.dumps(json.loads(SAID) | {"by": "ada"})
    with pytest.raises(Exception, match="two approvals by name"):
        read_override(override.both_names.function(alone, FORM, RUN))


@pytest.mark.parametrize("verb", FLAGS)
def test_each_verb_takes_its_command_line(dag: Any, verb: str) -> None:
    task = dag.get_task(verb)
    given = {name: "text" if hasattr(v, "operator") else v for name, v in task.inputs.items()}
    context = {"dag_run": RUN, "params": FORM}
    inputs = task.render_template(given, context, dag.get_template_env())
    parser = verb_flags(verb, None, *FLAGS[verb])
    said = vars(parser.parse_args(task.verb.arguments(context, inputs, task.output_path)))
    assert said["scenario"].endswith("/scenarios/short_video.toml")
    assert said["candidates"].endswith("/short_video/20260509T190000-aaaaaa/candidates")
    assert said["set"] == []


@pytest.mark.parametrize(
    ("name", "bad"),
    [("night", "../x"), ("package", "abc"), ("reason", "short"), ("expires", "soon")],
)
def test_the_form_is_typed(dag: Any, name: str, bad: str) -> None:
    assert dag.params.get_param(name).resolve(FORM[name]) == FORM[name]
    with pytest.raises(ParamValidationError):
        dag.params.get_param(name).resolve(bad)

"""The DAG: its edges come out of its arguments, its form is typed, its parse is light."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).parents[2]
HEAVY = ("torch", "pyspark", "boto3", "pandas", "great_expectations", "onnxruntime", "secateur")


@pytest.fixture(scope="module")
def dags(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    home = tmp_path_factory.mktemp("airflow")
    os.environ.setdefault("AIRFLOW_HOME", str(home))
    from airflow.sdk import DAG

    sys.path.insert(0, str(PROJECT / "dags"))
    import nightly

    found = dict(nightly.DAGS)
    assert all(isinstance(d, DAG) for d in found.values())
    return found


@pytest.fixture(scope="module")
def dag(dags: dict[str, Any]) -> Any:
    return dags["secateur_short_video"]


def test_every_scenario_file_has_its_dag(dags: dict[str, Any]) -> None:
    names = {path.stem for path in (PROJECT / "jobs" / "scenarios").glob("*.toml")}
    assert set(dags) == {f"secateur_{name}" for name in names}
    assert len(names) >= 2


def test_the_edges_tell_the_story(dag: Any) -> None:
    edges = {task.task_id: set(task.upstream_task_ids) for task in dag.tasks}
    assert edges == {
        "check_run": set(),
        "clean_events": {"check_run"},
        "validate_events": {"clean_events"},
        "build_features": {"clean_events", "validate_events"},
        "validate_features": {"build_features"},
        "train_model": {"build_features", "validate_features"},
        "plan_candidates": {"train_model", "build_features"},
        "package_dense": {"train_model", "build_features", "plan_candidates"},
        "candidate.prune_model": {"train_model", "build_features", "plan_candidates"},
        "candidate.evaluate_package": {
            "candidate.prune_model",
            "package_dense",
            "build_features",
            "plan_candidates",
        },
        "judge_candidates": {"candidate.evaluate_package", "plan_candidates", "train_model"},
        "build_snapshot": {"clean_events", "validate_events"},
        "publish_snapshot": {"build_snapshot", "validate_events", "publishing_wanted"},
        "publishing_wanted": set(),
        "renew_channel": {"publishing_wanted"},
        "publish_release": {"judge_candidates", "publishing_wanted"},
        "accept_night": {
            "publish_release",
            "judge_candidates",
            "validate_events",
            "train_model",
            "build_features",
        },
        "report_night": {"accept_night", "publish_snapshot", "renew_channel"},
        "draw_board": {"report_night"},
        "close_night": {"draw_board"},
    }


def test_every_target_of_a_search_has_a_verdict_and_a_channel_of_its_own(
    dags: dict[str, Any], tmp_path: Path
) -> None:
    import nightly

    text = (PROJECT / "jobs" / "scenarios" / "short_video.toml").read_text()
    with_target = tmp_path / "with_target.toml"
    with_target.write_text(
        f"{text}\n[search]\ntargets = [{{ name = 'edge', max_bytes = 100000 }}]\n"
    )
    dag = nightly.nightly(with_target)
    judge, publish = dag.get_task("judge_edge"), dag.get_task("publish_edge")
    assert judge.upstream_task_ids == {
        "candidate.evaluate_package",
        "plan_candidates",
        "train_model",
    }
    assert judge.trigger_rule == "all_done_min_one_success"
    assert judge.inputs["target"] == publish.inputs["target"] == "edge"
    assert judge.output_path == ["targets", "edge", "verdict"]
    assert publish.upstream_task_ids == {"judge_edge", "publishing_wanted"}
    assert publish.downstream_task_ids == {"report_night"}


def test_a_scenario_whose_recipes_are_all_found_by_a_search_has_its_dag(
    dags: dict[str, Any], tmp_path: Path
) -> None:
    import nightly

    text = (PROJECT / "jobs" / "scenarios" / "short_video.toml").read_text()
    searching = tmp_path / "searching.toml"
    head = text.partition("[[candidates]]")[0]
    searching.write_text(f"{head}\n[search]\ntargets = [{{ name = 'edge', max_bytes = 100000 }}]\n")
    assert nightly.nightly(searching).params.get_param("candidates").resolve() is None


def test_what_nights_keep_is_one_folder_a_scenario(dags: dict[str, Any]) -> None:
    for dag in dags.values():
        name = dag.dag_id.removeprefix("secateur_")
        given = {
            task.task_id: task.inputs["state"]
            for task in dag.tasks
            if hasattr(task, "inputs") and "state" in task.inputs
        }
        readers = {
            "validate_events",
            "build_features",
            "build_snapshot",
            "train_model",
            "accept_night",
        }
        assert readers | {"package_dense", "candidate.prune_model"} <= set(given)
        assert all(uri.endswith(f"/runs/state/{name}") for uri in given.values())


def test_each_part_of_a_verbs_answer_that_another_task_reads_is_an_xcom_of_its_own(
    dag: Any,
) -> None:
    """Airflow finds `task["key"]` only where the task pushes its answer key by key."""
    read = {
        (value.operator.task_id, value.key)
        for task in dag.tasks
        for value in getattr(task, "inputs", {}).values()
        if hasattr(value, "operator") and value.key not in ("return_value", "uri")
    }
    assert read == {("check_run", "last_day")}
    assert all(dag.get_task(name).multiple_outputs for name, _ in read)


def test_a_night_is_accepted_only_after_its_release(dag: Any) -> None:
    accept = dag.get_task("accept_night")
    assert accept.trigger_rule == "all_success"
    assert "publish_release" in accept.upstream_task_ids


def test_a_night_is_scheduled_once_and_never_caught_up(dags: dict[str, Any]) -> None:
    for dag in dags.values():
        assert dag.max_active_runs == 1
        assert dag.catchup is False
        assert dag.schedule
        assert "secateur" in dag.tags
        assert dag.doc_md


def test_a_crashed_candidate_does_not_keep_the_others_from_being_judged(dag: Any) -> None:
    assert dag.get_task("judge_candidates").trigger_rule == "all_done_min_one_success"


def test_the_report_is_written_whatever_happened_and_does_not_decide_the_run(dag: Any) -> None:
    assert dag.get_task("report_night").is_teardown
    assert dag.get_task("draw_board").is_teardown
    assert not dag.get_task("draw_board").on_failure_fail_dagrun
    assert not dag.get_task("report_night").on_failure_fail_dagrun
    assert not dag.get_task("publish_release").is_teardown


def test_a_night_that_was_left_undone_fails_at_its_end(dag: Any) -> None:
    close = dag.get_task("close_night")
    assert close.is_teardown
    assert close.on_failure_fail_dagrun


def test_torch_work_waits_for_the_gpu_pool_and_measuring_is_alone(dag: Any) -> None:
    pools = {task.task_id: task.pool for task in dag.tasks}
    assert pools["train_model"] == pools["candidate.prune_model"] == "gpu"
    assert pools["clean_events"] == "spark"
    assert pools["candidate.evaluate_package"] == "measure"


def test_a_release_may_move_a_channel_of_its_store(dag: Any) -> None:
    aliases = {task.task_id: [one.name for one in task.outlets] for task in dag.tasks}
    assert aliases["publish_release"] == ["s3://models/short_video"]
    assert aliases["publish_snapshot"] == ["s3://models/short_video_snapshot"]


def test_channels_are_renewed_whatever_becomes_of_the_night(dag: Any) -> None:
    renew = dag.get_task("renew_channel")
    assert renew.upstream_task_ids == {"publishing_wanted"}, "but not in a dry run"


def test_a_person_is_asked_before_each_channel_moves_where_the_scenario_says_so(
    dags: dict[str, Any], tmp_path: Path
) -> None:
    import nightly

    text = (PROJECT / "jobs" / "scenarios" / "short_video.toml").read_text()
    asking = tmp_path / "asking.toml"
    rules = "[release]\napproval_hours = 3\napprovers = ['ada']\n"
    targets = "[search]\ntargets = [{ name = 'edge', max_bytes = 100000 }]\n"
    asking.write_text(text.replace("[release]\n", rules) + targets)
    dag = nightly.nightly(asking)
    for judged, name in (("judge_candidates", "release"), ("judge_edge", "edge")):
        approval = dag.get_task(f"approve_{name}")
        assert approval.upstream_task_ids == {judged, "publishing_wanted"}
        assert approval.downstream_task_ids == {f"publish_{name}"}
        assert (approval.options, approval.defaults) == (["Approve", "Reject"], ["Reject"])
        assert approval.response_timeout.total_seconds() == 3 * 3600
        assert approval.assigned_users == [{"id": "ada", "name": "ada"}]
        assert dag.get_task(f"publish_{name}").inputs["approval"].operator is approval
    assert "on channel latest_edge?" in dag.get_task("approve_edge").subject


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("margin", 0.02, "much"),
        ("candidates", ["int8"], []),
        ("channel", "canary", "Not A Channel"),
        ("dry_run", True, "yes"),
        ("last_day", "2022-05-08", 7),
    ],
)
def test_the_form_is_typed(dag: Any, name: str, good: object, bad: object) -> None:
    from airflow.sdk.exceptions import ParamValidationError

    param = dag.params.get_param(name)
    assert param.resolve(good) == good
    with pytest.raises(ParamValidationError):
        param.resolve(bad)


def test_the_parse_imports_nothing_heavy(tmp_path: Path) -> None:
    blocked = "import sys\n" + "".join(f"sys.modules[{name!r}] = None\n" for name in HEAVY)
    code = (
        f"{blocked}import runpy\nfound = runpy.run_path({str(PROJECT / 'dags' / 'nightly.py')!r})\n"
    )
    code += "print(len(found['DAGS']))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(PROJECT / "plugins"), "AIRFLOW_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[-1]) >= 2


def test_every_dag_is_one_that_airflow_can_store(dags: dict[str, Any]) -> None:
    from airflow.serialization.serialized_objects import DagSerialization

    for dag in dags.values():
        stored = DagSerialization.from_dict(DagSerialization.to_dict(dag))
        assert set(stored.task_dict) == set(dag.task_dict)

"""A real small night whose every verb runs in a pod, played by a Kubernetes API on loopback.

The templates are those of infra/kubernetes/pods, the verbs, Airflow, Spark, torch and the store are
real; what a cluster adds, nodes and images, is not there.
"""

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from airflow_client.client.models.task_instance_response import TaskInstanceResponse

import secateur
from local_site.progress import state_of
from local_site.service import free_port
from local_site.site import Site
from loopback_cluster import LoopbackCluster, PlayedPod
from secateur_airflow.verb import SIGNERS
from small_night import run_to_its_end, write_small_night

pytestmark = pytest.mark.proof

PROJECT = Path(__file__).parents[1]
DAG = "secateur_pod_night"
KEYS = ("SECATEUR_ID_KEY", "SECATEUR_SIGNING_KEY")
KINDS = ("cpu", "measure", "spark", "gpu")


@dataclass
class PodNight:
    """What the run left."""

    state: str
    tasks: list[TaskInstanceResponse]
    pods: list[PlayedPod]
    left: list[str]
    environment: dict[str, str]

    def pod(self, verb: str) -> PlayedPod:
        """The only pod of a verb."""
        (found,) = [pod for pod in self.pods if pod.verb == verb]
        return found


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PodNight]:
    folder = tmp_path_factory.mktemp("site")
    scenarios = write_small_night(folder / "scenarios", "pod_night")
    settings = {
        **dict.fromkeys(KINDS, "pod"),
        "schedule": "off",
        "scenarios": str(scenarios),
        "pod_scenarios": "/etc/secateur/scenarios",
        "pods": str(PROJECT / "infra" / "kubernetes" / "pods"),
    }
    site = Site(folder, free_port(), tuple(settings.items()))
    known = site.environment()
    keys = {name: known[name] for name in KEYS}
    others = {
        name: value
        for name, value in known.items()
        if name not in KEYS and not name.startswith("AIRFLOW")
    }
    scratch = folder / "scratch"
    scratch.mkdir()
    image = {
        "/opt/secateur": str(PROJECT),
        "/etc/secateur/scenarios": str(scenarios),
        "/scratch": str(scratch),
    }
    played = folder / "played"
    played.mkdir()
    secrets = {"secateur": others, "secateur-keys": keys}
    path = {"PATH": os.environ["PATH"], "PYSPARK_PYTHON": sys.executable}
    with (
        LoopbackCluster(played, image, secrets, path) as cluster,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("AIRFLOW_CONN_KUBERNETES_DEFAULT", cluster.connection())
        try:
            api = site.start()
            run = run_to_its_end(api, DAG)
            state, tasks = api.run_state(DAG, run), api.tasks(DAG, run)
            yield PodNight(state, tasks, cluster.ever, list(cluster.pods), known)
        finally:
            site.stop()


def test_the_night_ends_in_a_release_that_a_client_pulls(
    night: PodNight, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    states = {f"{task.task_id}_{task.map_index}": state_of(task) for task in night.tasks}
    assert night.state == "success", states
    for name, value in night.environment.items():
        monkeypatch.setenv(name, value)
    release = secateur.pull("s3://models/pod_night", cache=tmp_path)
    assert secateur.load(release).schema.scenario == "pod_night"


def test_every_verb_had_a_pod_and_none_is_left(night: PodNight) -> None:
    verbs = {pod.verb for pod in night.pods}
    assert {"check_run", "clean_events", "train_model", "evaluate_package"} <= verbs
    assert {"judge_candidates", "publish_release", "report_night"} <= verbs
    assert night.left == []
    assert all(task.try_number <= 1 for task in night.tasks)


def test_the_signing_key_was_in_the_pods_of_signers_alone(night: PodNight) -> None:
    had = {pod.verb for pod in night.pods if "SECATEUR_SIGNING_KEY" in pod.environment}
    assert {"publish_release", "publish_snapshot"} <= had
    assert had == SIGNERS & {pod.verb for pod in night.pods}
    assert "nvidia.com/gpu" in night.pod("train_model").limits
    assert "nvidia.com/gpu" not in night.pod("judge_candidates").limits

"""A verb in a pod ends as it does anywhere else: sealed, refused, skipped, waiting or crashed."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import (
    AirflowException,
    AirflowFailException,
    AirflowRescheduleException,
    AirflowSkipException,
    AirflowTaskTimeout,
)

from loopback_cluster import LoopbackCluster
from secateur_airflow.night import CPU, GPU, Night

TEMPLATE = """
apiVersion: v1
kind: Pod
metadata: {namespace: models, labels: {team: ranking}}
spec:
  serviceAccountName: secateur
  automountServiceAccountToken: false
  imagePullSecrets: [{name: registry}]
  nodeSelector: {gpu: a100}
  tolerations: [{key: nvidia.com/gpu, operator: Exists, effect: NoSchedule}]
  containers:
    - name: base
      image: registry.example.org/secateur:1
      resources: {limits: {nvidia.com/gpu: 1, memory: 32Gi}}
      envFrom: [{secretRef: {name: secateur}}]
"""
SAYS = """
import json, os, sys, time
answer = {{"uri": sys.argv[-1], "env": {{**os.environ}}, "asked": sys.argv}}
open(os.environ["SECATEUR_ANSWER"], "w").write(json.dumps(answer))
print("03:00:00 I secateur: the last line", flush=True)
{end}
"""
SECRETS = {
    "secateur": {"AWS_REGION": "eu", "SECATEUR_VERIFY_KEY": "public"},
    "secateur-keys": {"SECATEUR_SIGNING_KEY": "seed", "SECATEUR_ID_KEY": "salt"},
}


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackCluster]:
    """A site whose tasks all run in pods; the image's verbs lie in `tmp_path/image`."""
    for name in ("image", "pods", "played"):
        (tmp_path / name).mkdir()
    for on in ("cpu", "gpu", "spark", "measure"):
        (tmp_path / "pods" / f"{on}.yaml").write_text(TEMPLATE)
        monkeypatch.setenv(f"AIRFLOW__SECATEUR__{on.upper()}", "pod")
    monkeypatch.setenv("AIRFLOW__SECATEUR__PODS", str(tmp_path / "pods"))
    monkeypatch.setenv("AIRFLOW__SECATEUR__RUNS", "s3://runs")
    image = {"/opt/secateur/jobs": str(tmp_path / "image")}
    with LoopbackCluster(tmp_path / "played", image, SECRETS) as cluster:
        monkeypatch.setenv("AIRFLOW_CONN_KUBERNETES_DEFAULT", cluster.connection())
        yield cluster


def context(kind: str = "manual", kept: dict[str, Any] | None = None) -> Any:
    pushed: dict[str, Any] = {}
    instance = SimpleNamespace(
        **{"dag_id": "secateur_x", "task_id": "t", "map_index": -1, "try_number": 1},
        xcom_push=lambda key, value: pushed.update({key: value}),
        pushed=pushed,
    )
    run = SimpleNamespace(
        **{"run_id": "r", "dag_id": "secateur_x", "run_type": kind, "conf": None},
        run_after=datetime.now(UTC),
        data_interval_end=datetime.now(UTC),
    )
    return {
        **{"dag_run": run, "run_id": "r", "params": {}, "ti": instance, "dag": SimpleNamespace()},
        "task_state_store": kept,
    }


def task(cluster: LoopbackCluster, verb: str, end: str = "", on: str = GPU, **more: Any) -> Any:
    """A verb's task in a pod, whose script in the image ends like this."""
    script = Path(cluster.image["/opt/secateur/jobs"]) / f"{verb}.py"
    script.write_text(SAYS.format(end=end))
    xcom = Night("/here/scenarios/x.toml").task(verb, {"features": "s3://f"}, on=on, **more)
    return xcom.operator


def test_a_pod_answers_what_its_verb_wrote_and_is_taken_away(cluster: LoopbackCluster) -> None:
    operator, asked = task(cluster, "train_model"), context()
    answer = operator.execute(asked)
    assert answer["uri"] == asked["ti"].pushed["uri"]
    assert answer["uri"].startswith("s3://runs/x/")
    assert (
        answer["asked"][1] == f"--scenario={cluster.image['/opt/secateur/jobs']}/scenarios/x.toml"
    )
    assert operator.answered == answer
    assert cluster.pods == {}


def test_a_pod_is_as_its_template_says(cluster: LoopbackCluster) -> None:
    task(cluster, "train_model").execute(context())
    spec = cluster.ever[0].body["spec"]
    base = spec["containers"][0]
    assert cluster.ever[0].body["metadata"]["namespace"] == "models"
    assert cluster.ever[0].body["metadata"]["labels"]["team"] == "ranking"
    assert base["command"] == ["python", "/opt/secateur/jobs/train_model.py"]
    assert base["args"][0] == "--scenario=/opt/secateur/jobs/scenarios/x.toml"
    assert base["image"] == "registry.example.org/secateur:1"
    assert base["resources"] == {"limits": {"nvidia.com/gpu": "1", "memory": "32Gi"}}
    assert spec["nodeSelector"] == {"gpu": "a100"}
    assert spec["tolerations"][0]["key"] == "nvidia.com/gpu"
    assert spec["imagePullSecrets"] == [{"name": "registry"}]
    assert (spec["serviceAccountName"], spec["restartPolicy"]) == ("secateur", "Never")
    assert spec["automountServiceAccountToken"] is False


@pytest.mark.parametrize(
    ("verb", "on", "keys"),
    [
        ("train_model", GPU, set()),
        ("check_run", CPU, {"SECATEUR_ID_KEY"}),
        ("publish_release", CPU, {"SECATEUR_SIGNING_KEY"}),
    ],
)
def test_a_pod_has_the_keys_that_its_verb_needs_and_no_others(
    cluster: LoopbackCluster, verb: str, on: str, keys: set[str]
) -> None:
    environment = task(cluster, verb, on=on).execute(context())["env"]
    secret = {"SECATEUR_ID_KEY", "SECATEUR_SIGNING_KEY"}
    assert secret & environment.keys() == keys
    assert environment["SECATEUR_VERIFY_KEY"] == "public"
    assert "seed" not in json.dumps(cluster.ever[0].body)


def test_a_refusal_is_told_by_its_error_not_retried_and_leaves_no_pod(
    cluster: LoopbackCluster,
) -> None:
    end = (
        "print('03:00:02 E secateur: train_model REFUSED after 0.1 s: too few rows')\n"
        "print('  evidence: /runs/x')\nsys.exit(65)"
    )
    told = r"^train_model refused \(exit 65\): too few rows\n  evidence: /runs/x$"
    with pytest.raises(AirflowFailException, match=told):
        task(cluster, "train_model", end).execute(context())
    assert cluster.pods == {}


def test_a_crash_is_told_by_its_exception_and_may_be_retried(cluster: LoopbackCluster) -> None:
    operator = task(cluster, "train_model", "raise OSError('no space left')")
    with pytest.raises(
        AirflowException, match=r"crashed \(exit 1\): .*\n?OSError: no space"
    ) as one:
        operator.execute(context())
    assert not isinstance(one.value, AirflowFailException)
    assert len(str(one.value)) < 200, "the pod's spec is no reason"


def test_where_the_log_was_not_read_the_words_that_kubernetes_kept_are_told(
    cluster: LoopbackCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator = task(cluster, "train_model", "sys.exit(65)")
    operator.get_logs = False
    with pytest.raises(AirflowFailException, match=r"refused .exit 65.: .*the last line"):
        operator.execute(context())


def test_a_crash_is_told_by_its_exception_however_many_frames_of_java_follow(
    cluster: LoopbackCluster,
) -> None:
    """Of which Kubernetes keeps the last 2 KiB alone; Airflow executes a copy of the operator."""
    end = (
        "print('Traceback (most recent call last):\\n  File x\\nValueError: no such column')\n"
        "print('\\n'.join(f'\\tat org.apache.spark.X{n}' for n in range(300)))\nsys.exit(1)"
    )
    operator = task(cluster, "train_model", end).prepare_for_execution()
    with pytest.raises(AirflowException, match=r"ValueError: no such column$"):
        operator.execute(context())


def test_a_pod_out_of_memory_says_so(cluster: LoopbackCluster) -> None:
    end = "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"
    with pytest.raises(AirflowException, match=r"SIGKILL.*out of memory.*the last line"):
        task(cluster, "train_model", end).execute(context())


def test_a_night_behind_a_fence_looks_again_later(cluster: LoopbackCluster) -> None:
    kept: dict[str, Any] = {}
    store = SimpleNamespace(get=kept.get, set=kept.__setitem__)
    for _look in range(2):  # the second knows the pod of the first, which is gone
        with pytest.raises(AirflowRescheduleException):
            task(cluster, "check_run", "sys.exit(85)", on=CPU).execute(context(kept=store))
        assert cluster.pods == {}
    assert len(cluster.ever) == 2


def test_a_scheduled_night_waits_for_its_day_and_others_are_skipped(
    cluster: LoopbackCluster,
) -> None:
    hours = {"patience": timedelta(hours=2), "on": CPU}
    with pytest.raises(AirflowRescheduleException):
        task(cluster, "check_run", "sys.exit(75)", **hours).execute(context("scheduled"))
    operator = task(cluster, "check_run", "sys.exit(75)", **hours)
    with pytest.raises(AirflowSkipException, match="the last line"):
        operator.execute(context())
    assert isinstance(operator.skipped_for, AirflowSkipException)


def once_it_runs(cluster: LoopbackCluster, then: Callable[[], None]) -> threading.Thread:
    """Do something as soon as a pod runs and has said a word."""

    def wait_for_it() -> None:
        while not (cluster.ever and b"last line" in cluster.ever[0].log):
            time.sleep(0.05)
        then()

    thread = threading.Thread(target=wait_for_it)
    thread.start()
    return thread


def test_an_evicted_pod_is_a_crash_that_says_why(cluster: LoopbackCluster) -> None:
    def evict() -> None:
        pod = cluster.ever[0]
        pod.evicted = "The node was low on resource: memory"
        assert pod.process
        pod.process.kill()

    evictor = once_it_runs(cluster, evict)
    with pytest.raises(
        AirflowException, match=r"crashed: its pod was Evicted: The node was low"
    ) as raised:
        task(cluster, "train_model", "time.sleep(60)").execute(context())
    evictor.join()
    assert not isinstance(raised.value, AirflowFailException)


def test_the_next_try_follows_the_pod_that_a_lost_worker_left(cluster: LoopbackCluster) -> None:
    kept: dict[str, Any] = {}
    first = task(cluster, "train_model", "time.sleep(2)")
    first.arguments = first.begin(context(), "/opt/secateur/jobs/scenarios")
    asked = SimpleNamespace(get=kept.get, set=kept.__setitem__)
    begun = context(kept=asked)
    first.get_or_create_pod(first.build_pod_request_obj(begun), begun)  # and then it is lost
    answer = task(cluster, "train_model", "time.sleep(2)").execute(context(kept=asked))
    assert answer["uri"].startswith("s3://runs/x/")
    assert len(cluster.ever) == 1


def test_a_pod_without_its_secret_never_starts_and_says_which(
    cluster: LoopbackCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__SECATEUR__POD_KEYS_SECRET", "elsewhere")
    monkeypatch.setenv("AIRFLOW__SECATEUR__POD_START_SECONDS", "1")
    with pytest.raises(
        AirflowException, match=r"not started \(CreateContainerConfigError: secret .elsewhere"
    ):
        task(cluster, "publish_release", on=CPU).execute(context())
    assert cluster.pods == {}


def test_a_time_out_stays_one_and_takes_the_pod_away(
    cluster: LoopbackCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator = task(cluster, "train_model", "time.sleep(60)")

    def time_out(pod: Any) -> None:
        raise AirflowTaskTimeout("timed out")

    monkeypatch.setattr(operator, "await_pod_completion", time_out)
    with pytest.raises(AirflowTaskTimeout):
        operator.execute(context())
    assert cluster.pods == {}

"""Where tasks run and where their data lies: Airflow's own configuration, never code.

[secateur]                    or AIRFLOW__SECATEUR__<KEY>
python      interpreter of a local verb                      (the one that runs Airflow)
jobs        the jobs folder, as the task's machine sees it   (../jobs)
scenarios   the folder of scenario files                     (<jobs>/scenarios)
            these two, and pods, may be relative to the root of the DAG's bundle
runs        root of the sealed run folders                       (../var/runs)
state       root of what a night keeps for the next ones     (<runs>/state)
store       root of releases                                 (s3://models)
cpu, measure, spark, gpu    where tasks of this kind run     (process)
            process: on the worker; pod: in Kubernetes; spark alone has submit: by `spark-submit`
spark_conn_id  the Spark connection that `submit` uses       (spark_default)
pods        the folder of pod templates, <kind>.yaml each    (../infra/kubernetes/pods)
pod_jobs    the jobs folder, as the pods' image has it       (/opt/secateur/jobs)
pod_scenarios  the folder of scenario files there            (<pod_jobs>/scenarios)
pod_keys_secret  the secret with the keys of few verbs alone (secateur-keys)
pod_start_seconds  how long a pod may take to start          (900)
one_machine on | off: whether all heavy tasks share one machine (off): they run one at a time,
            in the pool `machine`, so that nothing else does while a package is timed
cpu_hours, measure_hours, spark_hours, gpu_hours             (1, 1, 4, 8)
            the longest that one task may take where it runs; then it is ended and tried again
notices     on | off: whether people are told of a night that went well, too (on)
schedule    on | off: whether nights run by themselves           (on)
delivery_poll_seconds  between two looks for a night's day   (300)
fence_poll_seconds  between two looks whether another night of the scenario is done (60)
retry_seconds  the wait before a crashed task's first retry, doubled before each further (60)
"""

import hashlib
import sys
import tomllib
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from airflow.sdk import conf
from airflow.sdk.exceptions import AirflowConfigException

PROJECT = Path(__file__).parents[2]
SECTION = "secateur"
RUN_HASH_DIGITS = 6
LONGEST_HOURS = {"cpu": "1", "measure": "1", "spark": "4", "gpu": "8"}
PROCESS, POD, SUBMIT = "process", "pod", "submit"


class Run(Protocol):
    """What a run folder's name is made of: the part of a DagRun that is read here."""

    run_id: str
    dag_id: str
    run_after: datetime


def read(key: str, default: str) -> str:
    """One key of the `[secateur]` section."""
    return str(conf.get(SECTION, key, fallback=default))


def place(on: str) -> str:
    """Where tasks of a kind run. Raises AirflowConfigException on a place that it has not."""
    found = read(on, PROCESS)
    places = (PROCESS, POD, SUBMIT) if on == "spark" else (PROCESS, POD)
    if found not in places:
        raise AirflowConfigException(f"[{SECTION}] {on} = {found!r} is none of {places}")
    return found


def pod_template(on: str) -> str:
    """Path of the pod template for tasks of a kind, on the worker that starts the pod."""
    folder = in_bundle(read("pods", str(PROJECT / "infra" / "kubernetes" / "pods")))
    return f"{folder}/{on}.yaml"


def jobs_in_pods() -> str:
    """The folder of the verbs in the pods' image."""
    return read("pod_jobs", "/opt/secateur/jobs")


def scenarios_in_pods() -> str:
    """The folder of scenario files in a pod."""
    return read("pod_scenarios", f"{jobs_in_pods()}/scenarios")


def keys_secret() -> str:
    """The name of the Kubernetes secret with the keys that not every verb may have."""
    return read("pod_keys_secret", "secateur-keys")


def pod_start_seconds() -> int:
    """How long a pod may take to start: an image of gigabytes is pulled, a node may be added."""
    return int(read("pod_start_seconds", "900"))


def time_limit(on: str) -> timedelta:
    """The longest that one try of a task may take in this place."""
    return timedelta(hours=float(read(f"{on}_hours", LONGEST_HOURS[on])))


def pool_of(on: str) -> str:
    """The pool of a kind of task: one for all heavy ones where these share a machine."""
    if on == "cpu":
        return "default_pool"
    return "machine" if read("one_machine", "off") == "on" else on


def first_retry() -> timedelta:
    """How long a crashed task waits for its first retry."""
    return timedelta(seconds=float(read("retry_seconds", "60")))


def delivery_poll() -> timedelta:
    """How long a night waits before it looks again for its day."""
    return timedelta(seconds=float(read("delivery_poll_seconds", "300")))


def fence_poll() -> timedelta:
    """How long a night waits before it looks again whether another one is done with the state."""
    return timedelta(seconds=float(read("fence_poll_seconds", "60")))


def has_notices() -> bool:
    """Whether people are told of a night that went well, too."""
    return read("notices", "on") != "off"


def has_schedules() -> bool:
    """Whether DAGs have the schedules of their scenarios; else they run when somebody asks."""
    return read("schedule", "on") != "off"


def python() -> str:
    """The interpreter that runs a verb on this machine."""
    return read("python", sys.executable)


def jobs() -> str:
    """The folder of the verbs."""
    return in_bundle(read("jobs", str(PROJECT / "jobs")))


def in_bundle(path: str) -> str:
    """A relative path as it lies from the root of the DAG's bundle, any other as it is.

    Airflow puts that root, of the version that the run has, at the end of sys.path.
    """
    if Path(path).is_absolute():
        return path
    places = (Path(root, path) for root in reversed(sys.path))
    return str(next((place.resolve() for place in places if place.is_dir()), path))


def scenarios() -> Path:
    """The folder of scenario files: one DAG each."""
    return Path(in_bundle(read("scenarios", f"{jobs()}/scenarios")))


def read_scenarios() -> Iterator[tuple[Path, dict[str, Any]]]:
    """What each scenario file says that has a name; what is wrong with others, their DAG tells."""
    for path in sorted(scenarios().glob("*.toml")):
        try:
            said = tomllib.loads(path.read_text())
        except (OSError, ValueError):
            continue
        if "name" in said:
            yield path, said


def scenario_of(dag_id: str) -> str:
    """The scenario whose DAG this is."""
    return dag_id.removeprefix("secateur_")


def channel_of(scenario: str) -> str:
    """The channel that a scenario publishes on where nobody names one."""
    said = next((said for _, said in read_scenarios() if said["name"] == scenario), {})
    return str(said.get("release", {}).get("channel", "latest"))


def store() -> str:
    """Root URI of all releases."""
    return read("store", "s3://models")


def runs() -> str:
    """Root URI of the sealed run folders."""
    return read("runs", str(PROJECT / "var" / "runs"))


def state(scenario: str) -> str:
    """URI of what a scenario's nights keep for the next ones; it outlives the run folders."""
    return f"{read('state', f'{runs()}/state')}/{scenario}"


def runs_of(scenario: str) -> str:
    """URI of the folder that holds a scenario's runs."""
    return f"{runs()}/{scenario}"


def run_folder(run: Run) -> str:
    """URI of a run's sealed artifacts, named by its time and its id's hash: an id may hold `:`."""
    scenario = scenario_of(run.dag_id)
    time = run.run_after.strftime("%Y%m%dT%H%M%S")
    return f"{runs_of(scenario)}/{time}-{run_hash(run.run_id)}"


def run_hash(run_id: str) -> str:
    """The digits that tell runs of one second apart."""
    return hashlib.sha256(run_id.encode()).hexdigest()[:RUN_HASH_DIGITS]

"""Where a task runs, read from Airflow's own configuration: never from code.

[secateur]                    or AIRFLOW__SECATEUR__<KEY>
python      interpreter of a local verb                      (the one that runs Airflow)
jobs        the jobs folder, as the task's machine sees it   (../jobs)
scenarios   the folder of scenario files                     (<jobs>/scenarios)
runs        root of sealed run folders                       (../var/runs)
state       root of what nights remember of earlier ones     (<runs>/state)
store       root of releases                                 (s3://models)
spark       process | submit: where Spark verbs run          (process)
spark_conn_id  the Spark connection that `submit` uses       (spark_default)
gpu         process | kubernetes: where torch verbs run      (process)
gpu_image, gpu_namespace, gpu_limit  of the pod              (secateur:latest, default, 1)
"""

import hashlib
import sys
from pathlib import Path
from typing import Protocol

from airflow.sdk import conf

PROJECT = Path(__file__).parents[2]
SECTION = "secateur"
RUN_HASH_DIGITS = 6


class Run(Protocol):
    """What we need to know of a DAG run."""

    run_id: str
    dag_id: str
    run_after: "HasIsoFormat"


class HasIsoFormat(Protocol):
    """A date and time."""

    def strftime(self, form: str, /) -> str:
        """Format the time."""


def setting(key: str, default: str) -> str:
    """Read one key of the `[secateur]` section."""
    return str(conf.get(SECTION, key, fallback=default))


def python() -> str:
    """The interpreter that runs a verb on this machine."""
    return setting("python", sys.executable)


def jobs() -> str:
    """The folder of the verbs."""
    return setting("jobs", str(PROJECT / "jobs"))


def scenarios() -> Path:
    """The folder of scenario files: one DAG each."""
    return Path(setting("scenarios", f"{jobs()}/scenarios"))


def store() -> str:
    """Root URI of all releases."""
    return setting("store", "s3://models")


def runs() -> str:
    """Root URI of the sealed run folders."""
    return setting("runs", str(PROJECT / "var" / "runs"))


def state(scenario: str) -> str:
    """URI of what a scenario's nights remember; it outlives the run folders."""
    return f"{setting('state', f'{runs()}/state')}/{scenario}"


def run_folder(run: Run) -> str:
    """URI of a run's sealed artifacts. A raw run id holds `:`; its time and a short hash do not."""
    short = hashlib.sha256(run.run_id.encode()).hexdigest()[:RUN_HASH_DIGITS]
    scenario = run.dag_id.removeprefix("secateur_")
    return f"{runs()}/{scenario}/{run.run_after.strftime('%Y%m%dT%H%M%S')}-{short}"

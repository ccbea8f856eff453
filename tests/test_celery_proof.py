"""A real small night on a site of several machines' making: Celery, Redis and PostgreSQL.

Airflow is installed from infra/locks/airflow.txt, as the image has it, in an environment without
torch, pyspark's server or Great Expectations; the verbs run in ours. Nothing of the site's executor
is overridden, and tasks of torch's go to a queue of their own.
"""

import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from airflow_client.client.models.task_instance_response import TaskInstanceResponse

import secateur
from debian_services import postgres, postgres_programs, redis
from local_site.airflow_server import LocalAirflow
from local_site.progress import state_of
from local_site.service import Service, free_port
from local_site.site import Site
from small_night import run_to_its_end, wait_until, write_small_night

pytestmark = pytest.mark.proof

LOCK = Path(__file__).parents[1] / "infra" / "locks" / "airflow.txt"
DAG = "secateur_celery_night"
QUEUE = "with_gpu"
SAID_S = 60.0


@dataclass
class CeleryNight:
    """What the run left."""

    state: str
    tasks: dict[str, TaskInstanceResponse]
    worker: Service
    program: Path


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command `airflow` of an environment made from the lock."""
    if postgres_programs() is None or shutil.which("redis-server") is None:
        pytest.skip("needs Debian's servers: apt-get install postgresql redis-server")
    folder = tmp_path_factory.mktemp("airflow")
    uv = str(Path(sys.executable).with_name("uv"))
    subprocess.run([uv, "venv", "-q", "--python", sys.executable, str(folder)], check=True)
    python = str(folder / "bin" / "python")
    install = ["pip", "install", "-q", "--compile-bytecode", "--python", python]
    subprocess.run([uv, *install, "--require-hashes", "-r", str(LOCK)], check=True)
    return folder / "bin" / "airflow"


@pytest.fixture(scope="module")
def night(program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CeleryNight]:
    folder = tmp_path_factory.mktemp("site")
    scenarios = write_small_night(folder / "scenarios", "celery_night")
    settings = {"scenarios": str(scenarios), "gpu_queue": QUEUE, "schedule": "off"}
    site = Site(folder, free_port(), tuple(settings.items()))
    with (
        postgres("airflow") as database,
        redis(folder, secrets.token_hex(8)) as broker,
        pytest.MonkeyPatch.context() as patch,
    ):
        theirs = {
            "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
            "AIRFLOW__CORE__PARALLELISM": "4",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database,
            "AIRFLOW__CELERY__BROKER_URL": broker,
            "AIRFLOW__CELERY__RESULT_BACKEND": f"db+{database}",
        }
        for name, value in theirs.items():
            patch.setenv(name, value)
        site.store.start()
        airflow = replace(site.airflow, program=program)
        try:
            yield run_night(airflow)
        finally:
            worker_of(airflow).stop()
            airflow.stop()
            site.store.stop()


def worker_of(airflow: LocalAirflow) -> Service:
    flags = ["-c", "2", "-q", f"default,{QUEUE}", "--skip-serve-logs"]
    return airflow.service("worker", "celery", "worker", *flags)


def run_night(airflow: LocalAirflow) -> CeleryNight:
    worker = worker_of(airflow)
    api = airflow.start(lambda _api: worker.start())
    run = run_to_its_end(api, DAG)
    tasks = {task.task_id: task for task in api.tasks(DAG, run)}
    return CeleryNight(api.run_state(DAG, run), tasks, worker, airflow.program)


def test_the_night_ends_in_a_release_that_a_client_pulls(
    night: CeleryNight, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    states = {name: state_of(task) for name, task in night.tasks.items()}
    assert night.state == "success", states
    for name, value in night.worker.environment.items():
        monkeypatch.setenv(name, value)
    release = secateur.pull("s3://models/celery_night", cache=tmp_path)
    assert secateur.load(release).schema.scenario == "celery_night"


def test_every_task_ran_on_the_worker_and_torchs_in_their_queue(night: CeleryNight) -> None:
    ran = [task for task in night.tasks.values() if task.hostname]
    assert len(ran) > 12
    # Airflow knows that the last task is over before its worker says so.
    wait_until(lambda: night.worker.log.read_text().count("succeeded in") >= len(ran), SAID_S)
    queues = {name: task.queue for name, task in night.tasks.items()}
    assert queues["train_model"] == QUEUE
    assert queues["clean_events"] == "default"
    assert all(task.try_number == 1 for task in ran)


def test_the_sites_own_executor_is_not_overridden(night: CeleryNight) -> None:
    settings = night.worker.environment
    assert settings["AIRFLOW__CORE__EXECUTOR"] == "CeleryExecutor"
    assert settings["AIRFLOW__CORE__PARALLELISM"] == "4"
    assert settings["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].startswith("postgresql")


def test_airflow_needed_none_of_the_verbs_libraries(night: CeleryNight) -> None:
    python = str(night.program.with_name("python"))
    heavy = "['torch', 'great_expectations', 'onnx', 'polars']"
    code = f"from importlib.util import find_spec as f; print([m for m in {heavy} if f(m)])"
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    found = subprocess.check_output([python, "-c", code], text=True, env=clean)
    assert found.strip() == "[]"

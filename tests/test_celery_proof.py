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
import time
from collections.abc import Callable, Iterator
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

pytestmark = pytest.mark.proof

PROJECT = Path(__file__).parents[1]
SCENARIO = PROJECT / "jobs" / "scenarios" / "short_video.toml"
LOCK = PROJECT / "infra" / "locks" / "airflow.txt"
SMALLER = {
    "window_days = 14": "window_days = 7",
    "min_rows = 100_000": "min_rows = 50_000",
    'name = "short_video"': 'name = "celery_night"',
    'schedule = "0 3 * * *"': 'schedule = "@yearly"',
}
TIMEOUT_S = 1500
DAG = "secateur_celery_night"
QUEUE = "with_gpu"


@dataclass
class CeleryNight:
    """What the run left."""

    state: str
    tasks: dict[str, TaskInstanceResponse]
    worker_log: str
    program: Path
    settings: dict[str, str]


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
    text = SCENARIO.read_text()
    for old, new in SMALLER.items():
        assert old in text
        text = text.replace(old, new)
    (folder / "scenarios").mkdir()
    (folder / "scenarios" / "celery_night.toml").write_text(text)
    settings = (("scenarios", str(folder / "scenarios")), ("gpu_queue", QUEUE))
    site = Site(folder, free_port(), settings)
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
            yield run_night(airflow, site, patch)
        finally:
            worker_of(airflow).stop()
            airflow.stop()
            site.store.stop()


def worker_of(airflow: LocalAirflow) -> Service:
    queues = f"default,{QUEUE}"
    return airflow.service(
        "worker", "celery", "worker", "-c", "2", "-q", queues, "--skip-serve-logs"
    )


def run_night(airflow: LocalAirflow, site: Site, patch: pytest.MonkeyPatch) -> CeleryNight:
    worker = worker_of(airflow)
    api = airflow.start(lambda _api: worker.start())
    wait_until(lambda: api.has_dag(DAG), 300)
    run = api.trigger(DAG, {"candidates": ["hybrid_small"], "margin": 0.05})
    wait_until(lambda: api.run_state(DAG, run) in ("success", "failed"), TIMEOUT_S)
    for name, value in site.environment().items():
        patch.setenv(name, value)
    return CeleryNight(
        api.run_state(DAG, run),
        {task.task_id: task for task in api.tasks(DAG, run)},
        worker.log.read_text(),
        airflow.program,
        dict(worker.environment),
    )


def wait_until(holds: Callable[[], bool], timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline, "it takes too long"
        time.sleep(1)


def test_the_night_ends_in_a_release_that_a_client_pulls(
    night: CeleryNight, tmp_path: Path
) -> None:
    states = {name: state_of(task) for name, task in night.tasks.items()}
    assert night.state == "success", states
    release = secateur.pull("s3://models/celery_night", cache=tmp_path)
    assert secateur.load(release).schema.scenario == "celery_night"


def test_every_task_ran_on_the_worker_and_torchs_in_their_queue(night: CeleryNight) -> None:
    ran = [task for task in night.tasks.values() if task.hostname]
    assert len(ran) > 12
    assert night.worker_log.count("succeeded in") >= len(ran)
    queues = {name: task.queue for name, task in night.tasks.items()}
    assert queues["train_model"] == QUEUE
    assert queues["clean_events"] == "default"
    assert all(task.try_number == 1 for task in ran)


def test_the_sites_own_executor_is_not_overridden(night: CeleryNight) -> None:
    assert night.settings["AIRFLOW__CORE__EXECUTOR"] == "CeleryExecutor"
    assert night.settings["AIRFLOW__CORE__PARALLELISM"] == "4"
    assert night.settings["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].startswith("postgresql")


def test_airflow_needed_none_of_the_verbs_libraries(night: CeleryNight) -> None:
    python = str(night.program.with_name("python"))
    heavy = "['torch', 'great_expectations', 'onnx', 'polars']"
    code = f"from importlib.util import find_spec as f; print([m for m in {heavy} if f(m)])"
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    found = subprocess.check_output([python, "-c", code], text=True, env=clean)
    assert found.strip() == "[]"

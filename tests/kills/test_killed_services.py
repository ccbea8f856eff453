"""Kill -9 of each service of a site while a night is at work: the night ends as if nothing was.

The scheduler is killed while the log is cleaned, the API server while the model is trained, the DAG
processor while candidates are pruned, the store for 20 s once the verdict is there; each is started
again as a person would, by `make up`. The night is triggered while another process keeps SQLite
locked for longer than the 5 s that it waits by default.
"""

import json
import logging
import os
import signal
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

import secateur
from local_site.airflow_api import AirflowApi
from local_site.progress import state_of
from local_site.service import free_port
from local_site.site import Site
from secateur import artifacts
from small_night import ASKED, NIGHT_S, PARSED_S, wait_until, write_small_night

pytestmark = pytest.mark.proof

DAG = "secateur_small_kills"
REPEATABLE = ("events", "events_report", "features", "features_report", "dense", "plan", "snapshot")
AGAIN_S, STORE_AGAIN_S, LOCKED_S = 3.0, 20.0, 12.0
# What is killed, by the task that runs or has just ended then.
KILLS = (
    ("clean_events", "scheduler"),
    ("train_model", "api-server"),
    ("prune_model", "dag-processor"),
    ("judge_candidates", "store"),
)
log = logging.getLogger("secateur")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    scenarios = write_small_night(folder / "scenarios", "small_kills")
    settings = (("scenarios", str(scenarios)), ("retry_seconds", "5"), ("schedule", "off"))
    site = Site(folder, free_port(), settings)
    try:
        site.start()
        os.environ.update(site.environment())
        yield site
    finally:
        site.stop()


@pytest.fixture(scope="module")
def undisturbed(site: Site) -> Path:
    """The folder of a night that nothing disturbed."""
    return ended(site, triggered(site, ASKED))


@pytest.fixture(scope="module")
def disturbed(site: Site, undisturbed: Path) -> Path:
    """The folder of a night in which each service was killed once."""
    assert undisturbed.exists()
    with locked_database(site):
        run = triggered(site, {**ASKED, "again": True})
    for task, service in KILLS:
        api = site.airflow.start()
        wait_until(lambda api=api, task=task: has_begun(api, run, task), NIGHT_S)
        kill(site, service)
        time.sleep(STORE_AGAIN_S if service == "store" else AGAIN_S)
        site.start()
    return ended(site, run)


@contextmanager
def locked_database(site: Site) -> Iterator[None]:
    """Airflow's database, that nobody else can write to until 12 s are over."""
    held = threading.Event()

    def hold() -> None:
        with closing(sqlite3.connect(site.airflow.home / "airflow.db", timeout=60)) as database:
            database.execute("BEGIN IMMEDIATE")
            held.set()
            time.sleep(LOCKED_S)
            database.rollback()

    holder = threading.Thread(target=hold)
    holder.start()
    assert held.wait(60)
    yield
    holder.join()


def triggered(site: Site, asked: dict[str, object]) -> str:
    api = site.airflow.start()
    wait_until(lambda: api.has_dag(DAG), PARSED_S)
    return api.trigger(DAG, asked)


def ended(site: Site, run: str) -> Path:
    api = site.airflow.start()
    wait_until(lambda: api.run_state(DAG, run) in ("success", "failed"), NIGHT_S)
    tasks = api.tasks(DAG, run)
    log.info("tries: %s", {task.task_id: task.try_number for task in tasks})
    failed = [task.task_id for task in tasks if state_of(task) not in ("success", "skipped")]
    assert (api.run_state(DAG, run), failed) == ("success", [])
    return max((site.runs / "small_kills").iterdir())


def has_begun(api: AirflowApi, run: str, name: str) -> bool:
    states = {state_of(task) for task in api.tasks(DAG, run) if task.task_id.endswith(name)}
    return bool(states & {"running", "success"})


def kill(site: Site, service: str) -> None:
    folder = site.store.folder if service == "store" else site.airflow.home / "services"
    pid = json.loads((folder / f"{service}.pid").read_text())["pid"]
    os.kill(pid, signal.SIGKILL)


def digests(night: Path, places: Sequence[str]) -> dict[str, str]:
    return {place: artifacts.read_manifest(str(night / place)).digest for place in places}


def test_a_night_whose_services_were_killed_seals_the_same(
    undisturbed: Path, disturbed: Path
) -> None:
    assert disturbed != undisturbed
    packages = [f"candidates/{name}/package" for name in ("dense", *ASKED["candidates"])]
    places = [*REPEATABLE, *packages]
    assert digests(disturbed, places) == digests(undisturbed, places)


def test_what_it_published_is_served(site: Site, disturbed: Path, tmp_path: Path) -> None:
    release = secateur.pull("s3://models/small_kills", cache=tmp_path)
    verdict = json.loads((disturbed / "verdict" / "verdict.json").read_text())
    assert release.manifest.package == verdict["package"]
    assert secateur.load(release).schema.scenario == "small_kills"


def test_nothing_is_left_once_the_site_is_stopped(site: Site, disturbed: Path) -> None:
    assert disturbed.exists()
    site.stop()
    mark = str(site.folder).encode()
    environments = (Path(f"/proc/{pid}/environ") for pid in our_pids())
    assert not [path for path in environments if mark in read_or_nothing(path)]


def our_pids() -> list[str]:
    pids = [path.name for path in Path("/proc").glob("[0-9]*")]
    return [pid for pid in pids if int(pid) != os.getpid()]


def read_or_nothing(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # it has just ended, or is another user's
        return b""

"""A slow proof: a cluster, and one of its machines dying, change no byte of what the verbs make.

`make proof`. The verbs run as processes, on local[2] and on a Spark standalone cluster of two
workers; the log is a synthetic one with dirt in it.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bench.data.planted import World
from bench.data.synthetic import write
from local_site.spark_cluster import SparkCluster, wait_until
from secateur import artifacts

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.proof

PROJECT = Path(__file__).parents[1]
ROWS = 200_000
TIMEOUT_S = 600.0
Meanwhile = Callable[[subprocess.Popen[bytes]], None]
VERBS: dict[str, tuple[str, Mapping[str, str]]] = {
    "clean_events": ("events", {}),
    "validate_events": ("events_report", {"events": "events"}),
    "build_features": ("features", {"events": "events", "validation": "events_report"}),
    "validate_features": ("features_report", {"features": "features"}),
}


@dataclass(frozen=True)
class Night:
    """The data verbs of one night, their artifacts below `folder`."""

    scenario: Path
    folder: Path
    environment: Mapping[str, str]

    def start(self, verb: str) -> subprocess.Popen[bytes]:
        """Start a verb as a process."""
        output, inputs = VERBS[verb]
        flags = [f"--{name}={self.folder / place}" for name, place in inputs.items()]
        script = str(PROJECT / "jobs" / f"{verb}.py")
        command = [sys.executable, script, f"--scenario={self.scenario}", *flags]
        command.append(f"--output={self.folder / output}")
        environment = {**os.environ, "PYTHONPATH": str(PROJECT / "jobs"), **self.environment}
        self.folder.mkdir(exist_ok=True)
        with (self.folder / f"{verb}.log").open("wb") as log:
            return subprocess.Popen(command, env=environment, stdout=log, stderr=log)

    def run(self, verb: str, meanwhile: Meanwhile = lambda process: None) -> str:
        """Run a verb, and something beside it; the digest of what the verb sealed."""
        with self.start(verb) as process:
            try:
                meanwhile(process)
                assert process.wait(TIMEOUT_S) == 0, (self.folder / f"{verb}.log").read_text()
            finally:
                process.kill()
        return artifacts.read_manifest(str(self.folder / VERBS[verb][0])).digest


@pytest.fixture(scope="module")
def log(spark: "SparkSession", tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scenario of a synthetic log of eight files."""
    folder = tmp_path_factory.mktemp("synthetic") / "log"
    write(spark, World(rows=ROWS, days=8, dirt=0.02), folder)
    return folder / "synthetic.toml"


@pytest.fixture(scope="module")
def expected(log: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The digests of a night on two cores of one process."""
    folder = tmp_path_factory.mktemp("local") / "night"
    night = Night(log, folder, {"SECATEUR_SPARK_MASTER": "local[2]"})
    return {verb: night.run(verb) for verb in VERBS}


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[SparkCluster]:
    with SparkCluster(tmp_path / "cluster") as started:
        yield started


def test_a_cluster_makes_the_same_bytes_as_one_process(
    log: Path, expected: dict[str, str], cluster: SparkCluster, tmp_path: Path
) -> None:
    night = Night(log, tmp_path / "night", cluster.environment())
    assert {verb: night.run(verb) for verb in VERBS} == expected
    # The master hears of a driver's end a moment later.
    what = "each verb's application to end on the cluster"
    wait_until(lambda: len(cluster.state()["completedapps"]) == len(VERBS), 60, what)


def test_a_worker_killed_in_the_midst_of_a_job_changes_no_byte(
    log: Path, expected: dict[str, str], cluster: SparkCluster, tmp_path: Path
) -> None:
    night = Night(log, tmp_path / "night", cluster.environment())
    found = {}
    for number, verb in enumerate(VERBS):
        victim = number % cluster.size

        def kill(process: subprocess.Popen[bytes], victim: int = victim) -> None:
            what = f"a task on worker {victim}"
            wait_until(
                lambda: process.poll() is not None or cluster.running_tasks(victim) > 0, 300, what
            )
            assert process.poll() is None, "it ended before a task could be killed"
            cluster.kill_worker(victim)

        found[verb] = night.run(verb, kill)
        assert cluster.workers[victim] is None
        cluster.start_worker(victim)
        wait_until(lambda: cluster.state()["aliveworkers"] == cluster.size, 60, "the worker")
    assert found == expected


def test_a_cluster_ends_all_that_it_started_and_nothing_else(tmp_path: Path) -> None:
    with (
        SparkCluster(tmp_path / "one", size=1) as one,
        SparkCluster(tmp_path / "two", size=1) as two,
    ):
        (first,), (second,) = one.workers, two.workers
        assert first
        assert second
        two.stop()
        assert (one.workers, two.workers) == ((first,), (None,))
        assert one.state()["aliveworkers"] == 1
    assert one.workers == (None,)

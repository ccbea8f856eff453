"""A Spark standalone cluster on loopback, of the pip package alone, for proofs on one machine.

    with SparkCluster(folder) as cluster:
        subprocess.run([...], env=os.environ | cluster.environment())

A master and its workers, each a process group of ours: whatever they start ends with them, and
nothing else does. See https://spark.apache.org/docs/latest/spark-standalone.html.
"""

import json
import os
import signal
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from local_site.service import Service, ServiceError, free_port

HOST = "127.0.0.1"
START_TIMEOUT_S = 60.0
_PERIOD_S = 0.1
_TASK_WORDS = ("Running", "Finished")
_MASTER = "org.apache.spark.deploy.master.Master"
_WORKER = "org.apache.spark.deploy.worker.Worker"


@dataclass(frozen=True)
class SparkCluster:
    """A master and `size` workers of `cores` and `memory` each; logs and scratch in `folder`."""

    folder: Path
    size: int = 2
    cores: int = 1
    memory: str = "2g"

    @cached_property
    def _ports(self) -> tuple[int, int]:
        return free_port(), free_port()

    @property
    def master(self) -> str:
        """The URL that SECATEUR_SPARK_MASTER wants."""
        return f"spark://{HOST}:{self._ports[0]}"

    @property
    def workers(self) -> tuple[int | None, ...]:
        """Each worker's pid, None where it has ended."""
        return tuple(self._worker(number).pid() for number in range(self.size))

    def environment(self) -> dict[str, str]:
        """The variables that let a verb run here: its driver listens on loopback, too."""
        return {"SECATEUR_SPARK_MASTER": self.master, "SPARK_LOCAL_IP": HOST}

    def __enter__(self) -> "SparkCluster":
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def state(self) -> dict[str, Any]:
        """What the master knows of workers and applications, as its web page tells it."""
        with urllib.request.urlopen(f"http://{HOST}:{self._ports[1]}/json/", timeout=10) as page:
            found: dict[str, Any] = json.load(page)
        return found

    def running_tasks(self, number: int) -> int:
        """How many tasks run now on a worker for live applications, as its executors' logs tell."""
        apps = [app["id"] for app in self.state()["activeapps"]]
        files = (file for app in apps for file in self._scratch(number).glob(f"{app}/*/stderr"))
        logs = [file.read_text() for file in files]
        begun, ended = (sum(log.count(f"Executor: {w} task") for log in logs) for w in _TASK_WORDS)
        return begun - ended

    def start_worker(self, number: int) -> None:
        """Start a worker, or again one that was killed."""
        self._worker(number).start()

    def kill_worker(self, number: int) -> None:
        """Kill a worker and its executors at once, as a machine dies. Raises ServiceError."""
        pid = self._worker(number).pid()
        if pid is None:
            raise ServiceError(f"worker {number} has ended already")
        os.killpg(pid, signal.SIGKILL)

    def stop(self) -> None:
        """End what was started here."""
        for number in range(self.size):
            self._worker(number).stop()
        self._master().stop()

    def _start(self) -> None:
        self._master().start()
        self._master().wait(self._answers, START_TIMEOUT_S)
        for number in range(self.size):
            self.start_worker(number)
        wait_until(lambda: self.state()["aliveworkers"] == self.size, START_TIMEOUT_S, "workers")

    def _answers(self) -> bool:
        try:
            return bool(self.state()["status"] == "ALIVE")
        except OSError:
            return False

    def _master(self) -> Service:
        port, page = map(str, self._ports)
        flags = ("--host", HOST, "--port", port, "--webui-port", page)
        return self._service("master", _MASTER, *flags)

    def _worker(self, number: int) -> Service:
        scratch = str(self._scratch(number))
        flags = ["--host", HOST, "--cores", str(self.cores), "--memory", self.memory]
        flags += ["--webui-port", "0", "--work-dir", scratch, self.master]
        return self._service(f"worker-{number}", _WORKER, *flags)

    def _scratch(self, number: int) -> Path:
        return self.folder / f"worker-{number}"

    def _service(self, name: str, main_class: str, *flags: str) -> Service:
        import pyspark

        home = Path(pyspark.__file__).parent
        environment = {
            "SPARK_HOME": str(home),
            "SPARK_LOCAL_IP": HOST,
            "SPARK_LOCAL_DIRS": str(self.folder / "scratch"),
            "SPARK_DAEMON_MEMORY": "512m",
            "PYSPARK_PYTHON": sys.executable,
        }
        command = (str(home / "bin" / "spark-class"), main_class, *flags)
        return Service(name, command, self.folder, environment)


def wait_until(holds: Callable[[], bool], timeout_s: float, what: str) -> None:
    """Wait for something to hold. Raises ServiceError naming what did not."""
    deadline = time.monotonic() + timeout_s
    while not holds():
        if time.monotonic() > deadline:
            raise ServiceError(f"waited {timeout_s:.0f} s in vain for {what}")
        time.sleep(_PERIOD_S)

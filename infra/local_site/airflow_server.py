"""Airflow on this machine alone: SQLite, local processes, loopback only.

Whoever names another executor in the environment keeps it, with the database that it needs.
"""

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from local_site.airflow_api import AirflowApi, password_of
from local_site.service import Service, ServiceError, require_free_port

PROJECT = Path(__file__).parents[2]
POOLS = PROJECT / "infra" / "pools.json"
USER = "admin"
START_TIMEOUT_S = 300  # a busy machine takes minutes; what ends is noticed at once
LOCK_TIMEOUT_S = 60  # SQLite lets one process write at a time; the others wait so long, not 5 s
EXECUTOR = "AIRFLOW__CORE__EXECUTOR"
THEIRS = (EXECUTOR, "AIRFLOW__CORE__PARALLELISM", "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN")
AIRFLOW = Path(sys.executable).with_name("airflow")
FILE_BACKEND = "airflow.secrets.local_filesystem.LocalFilesystemBackend"


@dataclass(frozen=True)
class LocalAirflow:
    """Three processes: the scheduler, the DAG processor and the API server with the UI.

    `environment` is handed to every task, besides Airflow's own settings; `connections` are for
    those that ask for one. `program` is the command `airflow` of an environment of its own.
    """

    home: Path
    port: int
    environment: Mapping[str, str]
    connections: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    program: Path = AIRFLOW

    @property
    def url(self) -> str:
        """Where the UI answers."""
        return f"http://127.0.0.1:{self.port}"

    def start(self, before_nights: Callable[[AirflowApi], None] | None = None) -> AirflowApi:
        """Start what does not run yet and wait until it is healthy. Raises ServiceError.

        The scheduler is last: a task that it starts before the API server answers loses a try.
        `before_nights` is called before it starts, when the API server answers already.
        """
        scheduler, processor, server = self._services()
        if server.pid() is None:
            require_free_port(self.port, "Airflow", "SECATEUR_AIRFLOW_PORT")
            self._make_home()
            self._airflow("db", "migrate")
            self._airflow("pools", "import", str(POOLS))
        server.start()
        server.wait(self._password_exists, START_TIMEOUT_S)
        api = AirflowApi(self.url, USER, self.password)
        server.wait(api.answers, START_TIMEOUT_S)
        processor.start()
        if before_nights is not None and scheduler.pid() is None:
            before_nights(api)
        scheduler.start()
        server.wait(api.healthy, START_TIMEOUT_S)
        for service in (scheduler, processor):
            service.wait(lambda: True, START_TIMEOUT_S)
        return api

    def stop(self) -> None:
        """End the three processes and what they left, and no others; the scheduler first."""
        for service in self._services():
            service.stop()

    def _make_home(self) -> None:
        """The folder with passwords, database and logs: its owner's alone, an older one too."""
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.home.chmod(0o700)
        for path in self.home.glob("*"):
            if path.is_file():
                path.chmod(0o600)
        _write_private(self.home / "connections.json", json.dumps(dict(self.connections)))

    @property
    def password(self) -> str:
        """The generated password of the user `admin`."""
        return password_of(self.home, USER)

    def _password_exists(self) -> bool:
        try:
            return bool(self.password)
        except (OSError, ValueError, KeyError):
            return False

    def _services(self) -> tuple[Service, Service, Service]:
        commands = {
            # The log server would listen on every interface; the API server reads files itself.
            "scheduler": ["scheduler", "--skip-serve-logs"],
            "dag-processor": ["dag-processor"],
            "api-server": ["api-server", "--host", "127.0.0.1", "--port", str(self.port)],
        }
        scheduler, processor, server = (
            self.service(name, *command) for name, command in commands.items()
        )
        return scheduler, processor, server

    def service(self, name: str, *command: str) -> Service:
        """A process of this Airflow's, such as a further worker."""
        return Service(
            name, [str(self.program), *command], self.home / "services", self._settings()
        )

    def _airflow(self, *command: str) -> None:
        done = subprocess.run(
            [str(self.program), *command],
            env={**os.environ, **self._settings()},
            capture_output=True,
            text=True,
            check=False,
            umask=0o077,
        )
        if done.returncode:
            raise ServiceError(f"airflow {' '.join(command)}: {done.stderr.strip()[-500:]}")

    def _settings(self) -> dict[str, str]:
        database = self.home.absolute() / "airflow.db"
        theirs = THEIRS if EXECUTOR in os.environ else ()
        return {
            **self.environment,
            **_secrets(self.home / "secrets.json"),
            "AIRFLOW_HOME": str(self.home),
            "AIRFLOW__API__BASE_URL": self.url,
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": str(self.port),
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__CORE__DAGS_FOLDER": str(PROJECT / "dags"),
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.url}/execution/",
            EXECUTOR: "LocalExecutor",
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__PARALLELISM": "8",
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(PROJECT / "plugins"),
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{database}?timeout={LOCK_TIMEOUT_S}",
            "AIRFLOW__SECRETS__BACKEND": FILE_BACKEND,
            "AIRFLOW__SECRETS__BACKEND_KWARGS": json.dumps(
                {"connections_file_path": str(self.home / "connections.json")}
            ),
            "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.1",
            "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
            **{name: os.environ[name] for name in theirs if name in os.environ},
        }


def _secrets(path: Path) -> dict[str, str]:
    """Keys that Airflow's processes share; made once, readable by their owner alone."""
    if not path.exists():
        made = {
            "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_urlsafe(48),
            "AIRFLOW__API__SECRET_KEY": secrets.token_urlsafe(48),
        }
        _write_private(path, json.dumps(made))
    return dict(json.loads(path.read_text()))


def _write_private(path: Path, text: str) -> None:
    """Write a file that its owner alone can read, from its first byte on."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(text)

"""The few calls of Airflow's REST API that a night needs: trigger, watch, read a log."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

FINAL_TASK_STATES = {"success", "failed", "upstream_failed", "skipped", "removed"}


@dataclass(frozen=True)
class TaskState:
    """One task instance as the scheduler sees it. `index` is -1 for an unmapped task."""

    task: str
    index: int
    state: str | None
    seconds: float | None
    tries: int
    name: str | None

    @property
    def label(self) -> str:
        """Its name for a person, with the candidate it works on."""
        short = self.task.removeprefix("candidate.")
        return f"{short}[{self.name or self.index}]" if self.index >= 0 else short

    @property
    def is_final(self) -> bool:
        """Tell whether it will not run again."""
        return self.state in FINAL_TASK_STATES


class AirflowApi:
    """A logged-in client of one Airflow."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self.url = url
        self._credentials = {"username": user, "password": password}
        self._client = httpx.Client(base_url=url, timeout=30)
        self._bearer: str | None = None

    def healthy(self) -> bool:
        """Tell whether the database and the scheduler answer."""
        try:
            health = self._client.get("/api/v2/monitor/health").json()
        except (httpx.HTTPError, ValueError):
            return False
        parts = ("metadatabase", "scheduler", "dag_processor")
        return all(health.get(part, {}).get("status") == "healthy" for part in parts)

    def has_dag(self, dag: str) -> bool:
        """Tell whether the DAG has been parsed."""
        return self._call("GET", f"/dags/{dag}").status_code == httpx.codes.OK

    def trigger(self, dag: str, parameters: dict[str, Any]) -> str:
        """Unpause the DAG, start a run and return its id."""
        self._checked("PATCH", f"/dags/{dag}", {"is_paused": False})
        body = {"logical_date": None, "conf": parameters}
        return str(self._checked("POST", f"/dags/{dag}/dagRuns", body)["dag_run_id"])

    def give_up(self, dag: str, run: str, last: str) -> None:
        """End a run's tasks; it fails once its teardown, the report, is through.

        A run that is left alone would go on at the next start of Airflow. Pending tasks become
        skipped, and a run whose `last` task was skipped would count as a success: that one fails.
        """
        path = f"/dags/{dag}/dagRuns/{run}"
        self._checked("PATCH", f"{path}/taskInstances/{last}", {"new_state": "failed"})
        self._checked("PATCH", path, {"state": "failed"})

    def run_state(self, dag: str, run: str) -> str:
        """State of a run: queued, running, success or failed."""
        return str(self._checked("GET", f"/dags/{dag}/dagRuns/{run}")["state"])

    def tasks(self, dag: str, run: str) -> list[TaskState]:
        """All task instances of a run."""
        path = f"/dags/{dag}/dagRuns/{run}/taskInstances?limit=200"
        return [
            TaskState(
                task=t["task_id"],
                index=t["map_index"],
                state=t["state"],
                seconds=t["duration"],
                tries=t["try_number"],
                name=t.get("rendered_map_index"),
            )
            for t in self._checked("GET", path)["task_instances"]
        ]

    def log(self, dag: str, run: str, task: str, attempt: int, index: int = -1) -> list[str]:
        """Lines of one attempt's log."""
        path = f"/dags/{dag}/dagRuns/{run}/taskInstances/{task}/logs/{attempt}?map_index={index}"
        content = self._checked("GET", path)["content"]
        return [str(entry["event"] if isinstance(entry, dict) else entry) for entry in content]

    def page(self, path: str) -> httpx.Response:
        """Read a page of the UI as the logged-in user."""
        return self._client.get(path, headers={"Authorization": self._token()})

    def _checked(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401
        answer = self._call(method, path, body)
        if answer.is_error:
            raise RuntimeError(f"Airflow answered {answer.status_code} to {path}: {answer.text}")
        return answer.json()

    def _call(self, method: str, path: str, body: object = None) -> httpx.Response:
        headers = {"Authorization": self._token()}
        return self._client.request(method, f"/api/v2{path}", json=body, headers=headers)

    def _token(self) -> str:
        if self._bearer is None:
            answer = self._client.post("/auth/token", json=self._credentials).raise_for_status()
            self._bearer = f"Bearer {answer.json()['access_token']}"
        return self._bearer


def password_of(home: Path, user: str) -> str:
    """The password that Airflow's simple auth manager generated for a user."""
    path = home / "simple_auth_manager_passwords.json.generated"
    return str(json.loads(path.read_text())[user])

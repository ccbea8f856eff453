"""What a night needs of Airflow's REST API: trigger, watch, read a log. On Airflow's own client."""

import json
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
from airflow_client.client import ApiClient, Configuration
from airflow_client.client.api.dag_api import DAGApi
from airflow_client.client.api.dag_run_api import DagRunApi
from airflow_client.client.api.monitor_api import MonitorApi
from airflow_client.client.api.task_instance_api import TaskInstanceApi
from airflow_client.client.exceptions import ApiException, NotFoundException
from airflow_client.client.models.dag_patch_body import DAGPatchBody
from airflow_client.client.models.dag_run_mutable_states import DagRunMutableStates
from airflow_client.client.models.dag_run_patch_body import DAGRunPatchBody
from airflow_client.client.models.patch_task_instance_body import PatchTaskInstanceBody
from airflow_client.client.models.task_instance_response import TaskInstanceResponse
from airflow_client.client.models.task_instance_state import TaskInstanceState
from airflow_client.client.models.trigger_dag_run_post_body import TriggerDAGRunPostBody
from urllib3.exceptions import HTTPError

MOST_TASKS = 200  # of one run


class AirflowApi:
    """A logged-in client of one Airflow. Its methods raise the client's ApiException."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self.url = url
        self._credentials = {"username": user, "password": password}

    @cached_property
    def _token(self) -> str:
        answer = httpx.post(f"{self.url}/auth/token", json=self._credentials, timeout=30)
        return str(answer.raise_for_status().json()["access_token"])

    @cached_property
    def _client(self) -> ApiClient:
        return ApiClient(Configuration(host=self.url, access_token=self._token))

    def answers(self) -> bool:
        """Tell whether the API server and its database answer."""
        return self._all_healthy("metadatabase")

    def healthy(self) -> bool:
        """Tell whether the database, the scheduler and the DAG processor answer."""
        return self._all_healthy("metadatabase", "scheduler", "dag_processor")

    def _all_healthy(self, *names: str) -> bool:
        try:
            health = MonitorApi(ApiClient(Configuration(host=self.url))).get_health()
        except (ApiException, HTTPError):
            return False
        parts = [getattr(health, name) for name in names]
        return all(part is not None and part.status == "healthy" for part in parts)

    def has_dag(self, dag: str, since: datetime | None = None) -> bool:
        """Tell whether the DAG has been parsed, `since` then."""
        try:
            parsed = DAGApi(self._client).get_dag(dag).last_parsed_time
        except NotFoundException:
            return False
        return since is None or (parsed is not None and parsed > since)

    def pause(self, dag: str, paused: bool = True) -> None:
        """Let a DAG's runs wait, or go on."""
        DAGApi(self._client).patch_dag(dag, DAGPatchBody(is_paused=paused))

    def unpaused_dags(self) -> list[str]:
        """Our DAGs that are not paused."""
        found = DAGApi(self._client).get_dags(tags=["secateur"], paused=False).dags
        return [dag.dag_id for dag in found]

    def unfinished_runs(self, dag: str) -> list[str]:
        """Ids of a DAG's runs that wait or run, the oldest first."""
        states = ["queued", "running"]
        found = DagRunApi(self._client).get_dag_runs(dag, state=states, order_by=["run_after"])
        return [run.dag_run_id for run in found.dag_runs]

    def trigger(self, dag: str, parameters: dict[str, Any]) -> str:
        """Unpause the DAG, start a run and return its id."""
        self.pause(dag, False)
        body = TriggerDAGRunPostBody(conf=parameters)
        return DagRunApi(self._client).trigger_dag_run(dag, body).dag_run_id

    def give_up(self, dag: str, run: str, last: str) -> None:
        """End a run's tasks; it fails once its teardown, the report, is through.

        A run that is left alone would go on at the next start of Airflow. Pending tasks become
        skipped, and a run whose `last` task was skipped would count as a success: that one fails.
        """
        failed = PatchTaskInstanceBody(new_state=TaskInstanceState.FAILED)
        TaskInstanceApi(self._client).patch_task_instance(dag, run, last, failed)
        body = DAGRunPatchBody(state=DagRunMutableStates.FAILED)
        DagRunApi(self._client).patch_dag_run(dag, run, body)

    def run_state(self, dag: str, run: str) -> str:
        """State of a run: queued, running, success or failed."""
        return DagRunApi(self._client).get_dag_run(dag, run).state.value

    def tasks(self, dag: str, run: str) -> list[TaskInstanceResponse]:
        """All task instances of a run; the `map_index` of an unmapped one is -1."""
        api = TaskInstanceApi(self._client)
        return api.get_task_instances(dag, run, limit=MOST_TASKS).task_instances

    def log(self, dag: str, run: str, task: str, attempt: int, index: int = -1) -> list[str]:
        """Lines of one attempt's log."""
        api = TaskInstanceApi(self._client)
        content = api.get_log(dag, run, task, attempt, map_index=index).content.actual_instance
        return [line if isinstance(line, str) else line.event for line in content or []]

    def page(self, path: str) -> httpx.Response:
        """Read a page of the UI as the logged-in user."""
        headers = {"Authorization": f"Bearer {self._token}"}
        return httpx.get(f"{self.url}{path}", headers=headers, timeout=30)


def password_of(home: Path, user: str) -> str:
    """The password that Airflow's simple auth manager generated for a user."""
    path = home / "simple_auth_manager_passwords.json.generated"
    return str(json.loads(path.read_text())[user])

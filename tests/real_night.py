"""Start a night of a local site, disturb it, wait for its end, and look at what it left."""

import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from airflow_client.client.api.dag_run_api import DagRunApi
from airflow_client.client.api.task_instance_api import TaskInstanceApi
from airflow_client.client.exceptions import ConflictException
from airflow_client.client.models.dag_run_mutable_states import DagRunMutableStates
from airflow_client.client.models.dag_run_patch_body import DAGRunPatchBody
from airflow_client.client.models.task_instance_response import TaskInstanceResponse
from airflow_client.client.models.update_hitl_detail_payload import UpdateHITLDetailPayload

from killed_verb import kill_verb
from local_site.airflow_api import AirflowApi
from local_site.progress import state_of
from local_site.site import Site
from secateur import artifacts

TIMEOUT_S = 600


@dataclass
class Night:
    """What a run left behind."""

    run: str
    state: str
    folder: Path
    tasks: list[TaskInstanceResponse]
    logs: dict[str, list[str]] = field(default_factory=dict)

    def task(self, name: str) -> TaskInstanceResponse:
        """The only instance of a task."""
        (found,) = [task for task in self.tasks if task.task_id == name]
        return found

    def digest(self, place: str) -> str:
        """Digest of a sealed artifact."""
        return artifacts.read_manifest(str(self.folder / place)).digest


def run_night(
    site: Site,
    parameters: dict[str, Any],
    kill: str | None = None,
    mark_failed_at: str | None = None,
) -> Night:
    api = site.airflow.start()
    dag = "secateur_small_night"
    wait_until(lambda: api.has_dag(dag))
    run = api.trigger(dag, parameters)
    if kill:
        kill_verb(kill, site.runs, wait_until)
    if mark_failed_at:
        wait_until(lambda: (mark_failed_at, "running") in states(api, dag, run))
        DagRunApi(api._client).patch_dag_run(
            dag, run, DAGRunPatchBody(state=DagRunMutableStates.FAILED)
        )
    wait_until(lambda: has_ended(api, dag, run))
    night = Night(
        run,
        api.run_state(dag, run),
        max((site.runs / "small_night").iterdir()),
        api.tasks(dag, run),
    )
    attempts = [(t.task_id, t.try_number) for t in night.tasks if state_of(t) == "failed"]
    attempts += [(kill, 1)] if kill else []
    attempts += [("report_night", 1)] if mark_failed_at else []
    night.logs = {task: api.log(dag, run, task, attempt) for task, attempt in attempts}
    return night


def has_ended(api: AirflowApi, dag: str, run: str) -> bool:
    """Whether the run is over; a person who is asked meanwhile approves."""
    if ("approve_release", "awaiting_input") in states(api, dag, run):
        said = UpdateHITLDetailPayload(chosen_options=["Approve"], params_input={"reason": "fine"})
        with suppress(ConflictException):  # it was answered by the last look
            TaskInstanceApi(api._client).update_hitl_detail(dag, run, "approve_release", -1, said)
    return api.run_state(dag, run) in ("success", "failed")


def states(api: AirflowApi, dag: str, run: str) -> set[tuple[str, str]]:
    return {(task.task_id, state_of(task)) for task in api.tasks(dag, run)}


def wait_until(holds: Any, period_s: float = 0.5) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while not holds():
        assert time.monotonic() < deadline, "the night takes too long"
        time.sleep(period_s)

"""What old nights left goes once a week: run folders, state that no later night needs, task logs.

Unpause it to let it work. `delete` off: it only says what would go. Releases have a sweep of their
own, `secateur_sweep_releases`; what lies in Airflow's database goes by `airflow db clean`.
"""

from typing import Any

from airflow.sdk import Param, dag, task

from secateur_airflow import settings
from secateur_airflow.log_sweep import sweep_task_logs
from secateur_airflow.night import Night, every_task


@dag(
    dag_id="secateur_sweep_nights",
    description="Delete what old nights left: runs, state and task logs",
    schedule="0 12 * * 0" if settings.has_schedules() else None,
    catchup=False,
    max_active_runs=1,
    params={
        "keep": Param(14, title="Newest runs to keep", type="integer", minimum=1),
        "keep_days": Param(60, title="What is younger stays, days", type="number", minimum=1),
        "delete": Param(True, title="Delete: else it only says", type="boolean"),
    },
    tags=["secateur"],
    default_args=every_task(),
    doc_md=__doc__,
)
def retention() -> None:
    """A task a scenario, and one for the logs of Airflow."""
    for path, said in settings.read_scenarios():
        name = said["name"]
        inputs = {
            "run": settings.runs_of(name),
            "state": settings.state(name),
            "keep": "{{ params.keep }}",
            "keep-days": "{{ params.keep_days }}",
            "delete?": "{{ params.delete }}",
        }
        Night(str(path)).task("sweep_nights", inputs, task_id=f"sweep_{name}", below=[name])

    @task
    def sweep_logs(params: dict[str, Any]) -> dict[str, int]:
        """Delete old task logs."""
        return sweep_task_logs(params["keep_days"], params["delete"])

    sweep_logs()


DAG = retention()

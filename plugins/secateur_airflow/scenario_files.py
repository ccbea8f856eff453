"""A DAG for each scenario file; a file that holds a mistake stops the nights of no other."""

import re
from collections.abc import Callable
from pathlib import Path

from airflow.sdk import DAG, dag, task
from airflow.sdk.exceptions import AirflowConfigException, AirflowFailException

from secateur_airflow import settings
from secateur_airflow.night import every_task


def dags_of(folder: Path, declare: Callable[[Path], DAG]) -> dict[str, DAG]:
    """The DAGs of a folder's scenario files, by their ids.

    A file that `declare` cannot make one of gets one that fails every night and says why. Raises
    AirflowConfigException, which is no scenario's mistake.
    """
    found: dict[str, DAG] = {}
    for path in sorted(folder.glob("*.toml")):
        try:
            made = declare(path)
            _demand_own_name(path, made.dag_id, found)
        except AirflowConfigException:
            raise
        except Exception as error:
            made = _unreadable(path, error)
        found[made.dag_id] = made
    return found


def _demand_own_name(path: Path, dag_id: str, found: dict[str, DAG]) -> None:
    """Of two files with one name Airflow would take one, and tell nobody."""
    name = settings.scenario_of(dag_id)
    if dag_id in found or (name != path.stem and path.with_stem(name).exists()):
        raise ValueError(f"its name, {name}, is that of another file, too")


def _unreadable(path: Path, error: Exception) -> DAG:
    told = f"{path.name} is no scenario that a night can run: {type(error).__name__}: {error}"

    @dag(
        dag_id=f"secateur_{re.sub(r'[^A-Za-z0-9_]', '_', path.stem)}",
        description=told,
        schedule="0 3 * * *" if settings.has_schedules() else None,
        catchup=False,
        params={"scenario": path.stem},
        tags=["secateur"],
        default_args=every_task() | {"retries": 0},
        auto_register=False,
    )
    def unreadable() -> None:
        @task
        def read_scenario() -> None:
            """Say what is wrong with the file."""
            raise AirflowFailException(f"read_scenario asked wrongly (exit 64): {told}")

        read_scenario()

    return unreadable()

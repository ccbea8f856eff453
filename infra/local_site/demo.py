"""The demo: one whole night on a bundled log, then a service that pulls the model and scores.

No log of news may be bundled, so that one is made first, from a seed.
"""

import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime

from rich.console import Console

from local_site.airflow_api import AirflowApi
from local_site.progress import abandon, label, state_of, watch
from local_site.service import ServiceError
from local_site.site import PROJECT, Site, welcome
from secateur.report.table import night_table

CLIENT = PROJECT / ".venv-client" / "bin" / "python"
SERVICE = PROJECT / "infra" / "demo" / "downstream.py"
CLIENT_VARIABLES = ("AWS_", "SECATEUR_ID_KEY", "SECATEUR_VERIFY_KEY")
PARSE_TIMEOUT_S = 60
# By scenario, the module that makes its log and what it makes; truth.json is there last.
MADE_LOGS = {"news": ("bench.data.news_log", PROJECT / "var" / "news")}
TRUTH = "truth.json"

console = Console(width=None if sys.stdout.isatty() else 150)


def run_demo(site: Site, scenario: str, keep: bool) -> int:
    """Start the site, run the night, show what came of it, and use it. Raises ServiceError."""
    make_log(scenario)
    started, dag = time.monotonic(), f"secateur_{scenario}"
    with console.status("starting the object store and Airflow"):
        api, unpaused = start_alone(site, dag)
    console.print(f"store and Airflow up in {time.monotonic() - started:.0f} s")
    for other in api.unfinished_runs(dag):
        console.print(f"[yellow]this waits for run {other}, which has not ended: one at a time")
    run = api.trigger(dag, {"again": True})  # also where nothing is new since the last demo
    try:
        state = watch(api, dag, run, console)
    except KeyboardInterrupt:
        abandon(api, dag, run, console)
        raise
    finally:
        for name in {dag, *unpaused}:
            api.pause(name, name not in unpaused)
    folder = max((site.runs / scenario).iterdir())
    console.print(night_table(str(folder), console.width))
    tell_truth(scenario)
    code = score(site, scenario) if state == "success" else explain(api, dag, run)
    console.print(f"report: {folder / 'report' / 'index.html'}")
    console.print(welcome(site) if keep else "Airflow's UI: make up, stop it with: make down")
    return code


def start_alone(site: Site, dag: str) -> tuple[AirflowApi, list[str]]:
    """Start the site so that no scheduled night begins by itself, and wait for the DAG.

    Returns the API and the DAGs that were not paused before. Raises ServiceError.
    """
    unpaused: list[str] = []
    begun = datetime.now(UTC)
    quiet = site.with_settings(("schedule", "off"))
    fresh: list[datetime] = []

    def pause_all(api: AirflowApi) -> None:
        fresh.append(begun)
        unpaused.extend(api.unpaused_dags())
        for name in unpaused:
            api.pause(name)

    api = quiet.start(pause_all)
    if not fresh:  # it runs already, by its schedule
        unpaused.extend(api.unpaused_dags())
    wait_for_dag(api, dag, fresh[0] if fresh else None)
    return api, unpaused


def make_log(scenario: str) -> None:
    """Make the log of a scenario that has none, once. Raises ServiceError."""
    module, folder = MADE_LOGS.get(scenario, ("", PROJECT))
    if not module or (folder / TRUTH).exists():
        return
    console.print(f"making the log of {scenario} below {folder}")
    if subprocess.run([sys.executable, "-m", module, str(folder)], check=False).returncode:
        raise ServiceError(f"the log of {scenario} could not be made below {folder}")


def tell_truth(scenario: str) -> None:
    """Say the best AUC that any model can have, of the last days of a log that was made."""
    if scenario in MADE_LOGS:
        _, folder = MADE_LOGS[scenario]
        best = json.loads((folder / TRUTH).read_text())["best_auc_by_day"]
        days = [f"{day} {best[day]:.4f}" for day in sorted(best)[-4:]]
        console.print(f"the best possible AUC, by what was planted: {', '.join(days)}")


def wait_for_dag(api: AirflowApi, dag: str, since: datetime | None = None) -> None:
    """Wait until the DAG processor has parsed the file, `since` then. Raises ServiceError."""
    deadline = time.monotonic() + PARSE_TIMEOUT_S
    while not api.has_dag(dag, since):
        if time.monotonic() > deadline:
            raise ServiceError(f"Airflow knows no DAG {dag}: is there such a scenario file?")
        time.sleep(0.5)


def score(site: Site, scenario: str) -> int:
    """Let a downstream service, with the client alone, pull the release and score with it."""
    environment = {k: v for k, v in site.environment().items() if k.startswith(CLIENT_VARIABLES)}
    command = [str(CLIENT), str(SERVICE), f"s3://models/{scenario}"]
    base = {"PATH": os.environ["PATH"], "XDG_CACHE_HOME": str(site.folder / "cache")}
    return subprocess.run(command, env={**base, **environment}, check=False).returncode


def explain(api: AirflowApi, dag: str, run: str) -> int:
    """Show the end of the log of each task that failed on its own."""
    for task in api.tasks(dag, run):
        if state_of(task) == "failed":
            lines = api.log(dag, run, task.task_id, task.try_number, task.map_index)
            console.print(f"[red]{label(task)} failed:", *lines[-15:], sep="\n  ")
    return 1

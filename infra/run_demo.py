"""The demo: one whole night on the bundled logs, then a service that pulls the model and scores.

    python infra/run_demo.py [--scenario short_video] [--keep]

Everything it starts is stopped at its end, `--keep` excepted. A second run reuses the set-up and
makes the next release.
"""

import argparse
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

from rich.console import Console

from airflow_api import AirflowApi
from local_site import Site, default_site, welcome
from secateur.report.table import night_table
from service import ServiceError
from watching import abandon, watch

PROJECT = Path(__file__).parents[1]
CLIENT = PROJECT / ".venv-client" / "bin" / "python"
SERVICE = PROJECT / "infra" / "demo" / "downstream.py"
CLIENT_VARIABLES = ("AWS_", "SECATEUR_ID_KEY", "SECATEUR_VERIFY_KEY")
PARSE_TIMEOUT_S = 60

console = Console(width=None if sys.stdout.isatty() else 150)


def main() -> int:
    """Run the demo and return its exit code."""
    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("--scenario", default="short_video")
    flags.add_argument("--keep", action="store_true", help="leave Airflow and the store running")
    arguments = flags.parse_args()
    signal.signal(signal.SIGTERM, _interrupt)
    site = default_site()
    try:
        return demo(site, arguments.scenario, arguments.keep)
    except ServiceError as error:
        console.print(f"[red]{error}")
        return 1
    except KeyboardInterrupt:
        console.print("[red]interrupted: what was served stays served")
        return 130
    finally:
        if not arguments.keep:
            site.stop()


def demo(site: Site, scenario: str, keep: bool) -> int:
    """Start the site, run the night, show what came of it, and use it."""
    started = time.monotonic()
    with console.status("starting the object store and Airflow"):
        api = site.start()
        dag = f"secateur_{scenario}"
        wait_for_dag(api, dag)
    console.print(f"store and Airflow up in {time.monotonic() - started:.0f} s")
    run = api.trigger(dag, {})
    try:
        state = watch(api, dag, run, console)
    except KeyboardInterrupt:
        abandon(api, dag, run, console)
        raise
    folder = newest_run(site, scenario)
    console.print(night_table(str(folder), console.width))
    code = score(site, scenario) if state == "success" else explain(api, dag, run)
    console.print(f"report: {folder / 'report' / 'index.html'}")
    console.print(welcome(site) if keep else "Airflow's UI: make up, stop it with: make down")
    return code


def wait_for_dag(api: AirflowApi, dag: str) -> None:
    """Wait until the DAG processor has parsed the file. Raises ServiceError."""
    deadline = time.monotonic() + PARSE_TIMEOUT_S
    while not api.has_dag(dag):
        if time.monotonic() > deadline:
            raise ServiceError(f"Airflow knows no DAG {dag}: is there such a scenario file?")
        time.sleep(0.5)


def newest_run(site: Site, scenario: str) -> Path:
    """Folder of the last run."""
    return max((site.runs / scenario).iterdir())


def score(site: Site, scenario: str) -> int:
    """Let a downstream service, with the client alone, pull the release and score with it."""
    environment = {k: v for k, v in site.environment().items() if k.startswith(CLIENT_VARIABLES)}
    command = [str(CLIENT), str(SERVICE), f"s3://models/{scenario}"]
    base = {"PATH": os.environ["PATH"], "XDG_CACHE_HOME": str(site.folder / "cache")}
    return subprocess.run(command, env={**base, **environment}, check=False).returncode


def explain(api: AirflowApi, dag: str, run: str) -> int:
    """Show the end of the log of each task that failed on its own."""
    for task in api.tasks(dag, run):
        if task.state == "failed":
            lines = api.log(dag, run, task.task, task.tries, task.index)
            console.print(f"[red]{task.label} failed:", *lines[-15:], sep="\n  ")
    return 1


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())

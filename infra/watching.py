"""Follow a running night: a line for each task that ends, and what runs now."""

import time

from rich.console import Console
from rich.markup import escape

from airflow_api import AirflowApi, TaskState

PERIOD_S = 1.0
TEARDOWN_S = 60.0
LAST_TASK = "publish_release"
SIGNS = {
    "success": "[green]✓",
    "failed": "[red]✗",
    "upstream_failed": "[red]·",
    "skipped": "[yellow]-",
}


def watch(api: AirflowApi, dag: str, run: str, console: Console) -> str:
    """Show progress until the run ends; return its state."""
    started = time.monotonic()
    told: set[tuple[str, int]] = set()
    with console.status("the night begins") as status:
        while True:
            state = api.run_state(dag, run)
            tasks = api.tasks(dag, run)
            for task in tasks:
                if task.is_final and (task.task, task.index) not in told:
                    told.add((task.task, task.index))
                    console.print(line(task))
            if state in ("success", "failed"):
                break
            status.update(now_running(tasks, time.monotonic() - started))
            time.sleep(PERIOD_S)
    console.print(f"the night ended in {time.monotonic() - started:.0f} s: {state}")
    return state


def abandon(api: AirflowApi, dag: str, run: str, console: Console) -> None:
    """End a run that nobody waits for any more."""
    api.give_up(dag, run, LAST_TASK)
    deadline = time.monotonic() + TEARDOWN_S
    with console.status("interrupted: ending the night's tasks"):
        while api.run_state(dag, run) in ("queued", "running") and time.monotonic() < deadline:
            time.sleep(PERIOD_S)


def line(task: TaskState) -> str:
    """One ended task: sign, name, seconds, tries."""
    tries = f"  after {task.tries} tries" if task.tries > 1 else ""
    seconds = f"{task.seconds:6.1f} s" if task.seconds is not None else " " * 8
    return f"  {SIGNS.get(task.state or '', ' ')}[/] {escape(f'{task.label:42}')} {seconds}{tries}"


def now_running(tasks: list[TaskState], seconds: float) -> str:
    """What runs at this moment, and how much is done."""
    running = ", ".join(escape(task.label) for task in tasks if task.state == "running")
    done = sum(task.is_final for task in tasks)
    return f"{seconds:4.0f} s  {done}/{len(tasks)} tasks done  now: {running or 'scheduling'}"

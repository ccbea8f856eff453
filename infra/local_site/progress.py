"""Follow a running night: a line for each task that ends, and what runs now."""

import time

from airflow_client.client.models.task_instance_response import TaskInstanceResponse
from rich.console import Console
from rich.markup import escape

from local_site.airflow_api import AirflowApi

PERIOD_S = 1.0
TEARDOWN_S = 60.0
LAST_TASK = "accept_night"
# How a task may end, with the sign that says so.
SIGNS = {
    "success": "[green]✓",
    "failed": "[red]✗",
    "upstream_failed": "[red]·",
    "skipped": "[yellow]-",
    "removed": "[yellow]-",
}


def watch(api: AirflowApi, dag: str, run: str, console: Console) -> str:
    """Show progress until the run ends; return its state."""
    started = time.monotonic()
    shown: set[tuple[str, int]] = set()
    with console.status("the night begins") as status:
        while True:
            state = api.run_state(dag, run)
            tasks = api.tasks(dag, run)
            for task in tasks:
                if state_of(task) in SIGNS and (task.task_id, task.map_index) not in shown:
                    shown.add((task.task_id, task.map_index))
                    console.print(line(task))
            if state in ("success", "failed"):
                break
            status.update(running_line(tasks, time.monotonic() - started))
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


def state_of(task: TaskInstanceResponse) -> str:
    """State of a task; "" before it is scheduled."""
    return task.state.value if task.state else ""


def label(task: TaskInstanceResponse) -> str:
    """A task's name for a person, with the candidate it works on."""
    short = task.task_id.removeprefix("candidate.")
    if task.map_index < 0:
        return short
    return f"{short}[{task.rendered_map_index or task.map_index}]"


def line(task: TaskInstanceResponse) -> str:
    """One ended task: sign, name, seconds, tries."""
    tries = f"  after {task.try_number} tries" if task.try_number > 1 else ""
    seconds = f"{task.duration:6.1f} s" if task.duration is not None else " " * 8
    return f"  {SIGNS[state_of(task)]}[/] {escape(f'{label(task):42}')} {seconds}{tries}"


def running_line(tasks: list[TaskInstanceResponse], seconds: float) -> str:
    """What runs at this moment, and how much is done."""
    running = ", ".join(escape(label(task)) for task in tasks if state_of(task) == "running")
    done = sum(state_of(task) in SIGNS for task in tasks)
    return f"{seconds:4.0f} s  {done}/{len(tasks)} tasks done  now: {running or 'scheduling'}"

"""A scenario small enough for a whole night in a test, and the waiting for its end."""

import time
from collections.abc import Callable
from pathlib import Path

from local_site.airflow_api import AirflowApi

SCENARIO = Path(__file__).parents[1] / "jobs" / "scenarios" / "short_video.toml"
SMALLER = {
    "window_days = 14": "window_days = 7",
    "min_rows = 100_000": "min_rows = 50_000",
    'schedule = "0 3 * * *"': 'schedule = "@yearly"',
}
ASKED = {"candidates": ["hybrid_small"], "margin": 0.05}
PARSED_S, NIGHT_S = 300.0, 1800.0


def write_small_night(folder: Path, name: str) -> Path:
    """Write the scenario `name` into a folder of scenario files; returns the folder."""
    text = SCENARIO.read_text()
    for old, new in {**SMALLER, 'name = "short_video"': f'name = "{name}"'}.items():
        assert old in text
        text = text.replace(old, new)
    folder.mkdir()
    (folder / f"{name}.toml").write_text(text)
    return folder


def run_to_its_end(api: AirflowApi, dag: str) -> str:
    """Trigger a night, wait for its end and return its run id."""
    wait_until(lambda: api.has_dag(dag), PARSED_S)
    run = api.trigger(dag, ASKED)
    wait_until(lambda: api.run_state(dag, run) in ("success", "failed"), NIGHT_S)
    return run


def wait_until(holds: Callable[[], bool], timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline, "it takes too long"
        time.sleep(1)

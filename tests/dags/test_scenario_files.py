"""A mistake in one scenario file is told every night, and stops the nights of no other."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk.exceptions import AirflowConfigException, AirflowFailException

PROJECT = Path(__file__).parents[2]
GOOD = (PROJECT / "jobs" / "scenarios" / "short_video.toml").read_text()
NAME = 'name = "short_video"'
MISTAKES: dict[str, Callable[[str], str]] = {
    "no_toml": lambda text: text.replace("[logs]", "[logs", 1),
    "no_gate": lambda text: text.replace("[judgement]", "[gate]", 1),
    "hours_in_words": lambda text: text.replace("[logs]", 'delivery_hours = "six"\n[logs]', 1),
    "target_without_name": lambda text: f"{text}\n[search]\ntargets = [{{ max_bytes = 1 }}]\n",
    "copy_not_renamed": lambda text: text,
}


@pytest.fixture
def scenarios(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A site's folder of scenarios with a good one."""
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    monkeypatch.setenv("AIRFLOW__SECATEUR__SCENARIOS", str(tmp_path / "scenarios"))
    monkeypatch.setattr(sys, "path", [str(PROJECT / "plugins"), *sys.path])
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "short_video.toml").write_text(GOOD)
    return tmp_path / "scenarios"


def parse(file: str) -> DagBag:
    """What Airflow finds in a file of DAGs."""
    return DagBag(dag_folder=PROJECT / "dags" / file)


@pytest.mark.parametrize("name", MISTAKES)
def test_the_others_nights_stay_and_the_mistake_has_a_red_one(scenarios: Path, name: str) -> None:
    own = GOOD if name == "copy_not_renamed" else GOOD.replace(NAME, f'name = "{name}"')
    (scenarios / f"{name}.toml").write_text(MISTAKES[name](own))
    bag = parse("nightly.py")
    assert bag.import_errors == {}
    assert set(bag.dags) == {"secateur_short_video", f"secateur_{name}"}
    assert "accept_night" in bag.dags["secateur_short_video"].task_dict
    red = bag.dags[f"secateur_{name}"]
    (task,) = red.tasks
    assert task.retries == 0
    assert str(red.schedule) == "0 3 * * *"
    said: Any = task
    with pytest.raises(AirflowFailException, match=rf"\(exit 64\): {name}.toml is no scenario"):
        said.python_callable()


def test_old_nights_of_the_others_are_swept(scenarios: Path) -> None:
    (scenarios / "no_toml.toml").write_text("[")
    bag = parse("retention.py")
    assert bag.import_errors == {}
    assert set(bag.dags["secateur_sweep_nights"].task_dict) == {"sweep_short_video", "sweep_logs"}


def test_a_mistake_of_the_site_is_no_scenarios(
    scenarios: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__SECATEUR__GPU", "moon")
    ((_, told),) = parse("nightly.py").import_errors.items()
    assert AirflowConfigException.__name__ in told

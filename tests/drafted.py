"""Drafts of logs, and what of them is looked at."""

import tomllib
from pathlib import Path
from typing import Any

from secateur.scenario import load_scenario
from secateur.scenario.drafting.scenario_draft import draft_scenario
from secateur.scenario.scenario_check import check_scenario


def drafted(log: Path, folder: Path) -> dict[str, Any]:
    """The draft as TOML values; it must hold without a change."""
    path = folder / "draft.toml"
    path.write_text(draft_scenario(log))
    scenario, mistakes = check_scenario(str(path))
    assert mistakes == []
    assert load_scenario(str(path)) == scenario
    return tomllib.loads(path.read_text())


def roles(made: dict[str, Any]) -> dict[str, str]:
    """Who, what and when."""
    return {key: made["logs"].get(key) for key in ("user", "item", "time", "time_format")}


def names(made: dict[str, Any]) -> set[str]:
    """The fields' names."""
    return {field["name"] for field in made["features"]["fields"]}

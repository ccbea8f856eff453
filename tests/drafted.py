"""Drafts of logs, and what of them is looked at."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from secateur.scenario import load_scenario
from secateur.scenario.drafting.scenario_draft import draft_scenario
from secateur.scenario.scenario_check import check_scenario

ROWS = 600
DAY = 86_400
START = 1_700_006_400  # a midnight


def log(folder: Path, columns: Mapping[str, Sequence[object]], name: str = "log.csv") -> Path:
    """A file with these columns."""
    path = folder / name
    rows = zip(*columns.values(), strict=True)
    path.write_text("\n".join(",".join(map(str, row)) for row in (columns, *rows)) + "\n")
    return path


def base(rows: int = ROWS) -> dict[str, list[object]]:
    """Users, items and times over ten days."""
    return {
        "user_id": [f"member-{n * 7 % 41}" for n in range(rows)],
        "item_id": [f"s{n * 11 % 53}" for n in range(rows)],
        "ts": [START + n * 10 * DAY // rows for n in range(rows)],
    }


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

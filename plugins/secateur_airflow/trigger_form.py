"""The trigger form of a night: every value typed, every default the scenario's; parts of others."""

from pathlib import Path
from typing import Any

from airflow.sdk import Param

CHANNEL = Param(None, title="Channel", type=["null", "string"], pattern="^[a-z0-9][a-z0-9_-]*$")


def scenario_of(folder: Path) -> Param:
    """Which of a folder's scenarios is meant; the only one where there is one."""
    names = sorted(path.stem for path in folder.glob("*.toml"))
    only = names[0] if len(names) == 1 else None
    return Param(only, title="Scenario", type="string", enum=names)


def form_of(scenario: dict[str, Any]) -> dict[str, Param]:
    """The parameters of a run, by what the scenario file says."""
    names = [candidate["name"] for candidate in scenario.get("candidates", [])]
    day = {"type": ["null", "string"], "format": "date"}
    return {
        "first_day": Param(None, title="First day", description="Default: by the window", **day),
        "last_day": Param(None, title="Last day", description="Default: newest in the log", **day),
        # None where a search alone finds the recipes.
        "candidates": Param(
            names or None,
            title="Candidates",
            type=["null", "array"],
            examples=names,
            minItems=1,
        ),
        "margin": Param(
            scenario["judgement"]["margin"],
            title="Non-inferiority margin (AUC)",
            type="number",
            exclusiveMinimum=-1,
            exclusiveMaximum=1,
        ),
        "channel": Param(
            scenario.get("release", {}).get("channel", "latest"),
            title="Channel",
            type="string",
            pattern="^[a-z0-9][a-z0-9_-]*$",
        ),
        "dry_run": Param(False, title="Dry run: judge, but publish nothing", type="boolean"),
        "again": Param(False, title="Again: run even where nothing is new", type="boolean"),
        "older_data": Param(
            False, title="Older data: let the channel go back to older days", type="boolean"
        ),
    }

"""The verbs' flags are few, and frozen: the DAG and people's scripts depend on them."""

import ast
import subprocess
import sys
from pathlib import Path

from secateur.contracts.errors import USAGE

JOBS = Path(__file__).parents[1] / "jobs"

# Beside --scenario, --set and --output, which every verb has.
FLAGS = {
    "clean_events": {"inputs": (), "options": ("logs", "state")},
    "validate_events": {"inputs": ("events",), "options": ("state",)},
    "build_features": {"inputs": ("events", "validation"), "options": ("state",)},
    "validate_features": {"inputs": ("features",), "options": ()},
    "train_model": {"inputs": ("features", "validation"), "options": ("state", "checkpoints")},
    "plan_candidates": {"inputs": ("dense", "features"), "options": ("checkpoints",)},
    "prune_model": {"inputs": ("dense", "features", "plan", "recipe"), "options": ("state",)},
    "evaluate_package": {"inputs": ("package", "dense-package", "features"), "options": ()},
    "judge_candidates": {"inputs": ("plan", "scorecards"), "options": ("target",)},
    "publish_release": {"inputs": ("candidates", "verdict", "store"), "options": ("target",)},
    "accept_night": {
        "inputs": ("verdict", "events-report", "dense", "state"),
        "options": ("features", "candidates"),
    },
    "report_night": {"inputs": ("run",), "options": ()},
    "roll_back": {"inputs": ("store", "release", "reason"), "options": ("channel",)},
    "sweep_releases": {"inputs": ("store", "keep"), "options": ("grace-hours", "dry-run")},
}


def declared(path: Path) -> dict[str, tuple[str, ...]]:
    """The flags that a verb's last line names."""
    (call,) = [
        node
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and (getattr(node.func.value, "id", ""), node.func.attr) == ("command", "run")
    ]
    named = {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords}
    return {"inputs": named.get("inputs", ()), "options": named.get("options", ())}


def test_the_flags_are_those_that_were_agreed() -> None:
    assert {path.stem: declared(path) for path in JOBS.glob("*.py")} == FLAGS


def test_a_wrong_flag_is_asked_wrongly_and_said_in_one_line() -> None:
    command = [sys.executable, str(JOBS / "report_night.py"), "--nonsense"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == USAGE
    assert "--scenario" in done.stderr.splitlines()[-1]


def test_the_docstring_is_the_help() -> None:
    command = [sys.executable, str(JOBS / "report_night.py"), "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    first = ast.get_docstring(ast.parse((JOBS / "report_night.py").read_text()))
    assert first is not None
    assert first.splitlines()[0] in done.stdout

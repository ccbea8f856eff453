"""The verbs' flags are few, and frozen: the DAG and people's scripts depend on them."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from secateur.command import verb_flags
from secateur.contracts.errors import USAGE
from secateur.flags import VERB_FLAGS

JOBS = Path(__file__).parents[1] / "jobs"

# Beside --scenario, --set and --output, which every verb has.
FLAGS = {
    "check_run": {"inputs": ("form",), "options": ("logs", "run-type", "store", "state", "run")},
    "clean_events": {"inputs": (), "options": ("logs", "state")},
    "validate_events": {"inputs": ("events",), "options": ("state",)},
    "build_features": {"inputs": ("events", "validation"), "options": ("state",)},
    "build_snapshot": {"inputs": ("events", "validation"), "options": ("state",)},
    "validate_features": {"inputs": ("features",), "options": ()},
    "train_model": {"inputs": ("features", "validation"), "options": ("state", "checkpoints")},
    "plan_candidates": {"inputs": ("dense", "features"), "options": ("checkpoints",)},
    "prune_model": {"inputs": ("dense", "features", "plan", "recipe"), "options": ("state",)},
    "evaluate_package": {
        "inputs": ("package", "dense-package", "features"),
        "options": ("store",),
    },
    "judge_candidates": {
        "inputs": ("plan", "scorecards"),
        "options": ("candidates", "target", "state", "dense", "override"),
    },
    "publish_release": {
        "inputs": ("candidates", "verdict", "store"),
        "options": ("target", "window", "events-report", "approval"),
    },
    "publish_snapshot": {"inputs": ("snapshot", "validation", "store"), "options": ()},
    "accept_night": {
        "inputs": ("verdict", "events-report", "dense", "state"),
        "options": ("features", "candidates"),
    },
    "report_night": {"inputs": ("run",), "options": ("state",)},
    "check_heartbeat": {"inputs": ("runs",), "options": ("webhook",)},
    "draw_board": {"inputs": ("runs", "store"), "options": ()},
    "renew_channel": {"inputs": ("store",), "options": ()},
    "hold_channel": {"inputs": ("store",), "options": (), "more_flags": "hold_flags"},
    "republish_release": {"inputs": ("store",), "options": (), "more_flags": "roll_back_flags"},
    "roll_back": {"inputs": ("store",), "options": (), "more_flags": "roll_back_flags"},
    "sweep_nights": {
        "inputs": ("run", "state"),
        "options": (),
        "more_flags": "night_sweep_flags",
    },
    "sweep_releases": {"inputs": ("store",), "options": (), "more_flags": "sweep_flags"},
}
# Of the verb and of the command in a shell alike.
SHARED_FLAGS = {
    "rollback": {"--release", "--reason", "--channel", "--by"},
    "sweep": {"--keep", "--grace-hours", "--delete"},
}


def declared(path: Path) -> dict[str, object]:
    """The flags that a verb's last line names."""
    (call,) = [
        node
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and (getattr(node.func.value, "id", ""), node.func.attr) == ("command", "run")
    ]
    said = {keyword.arg: keyword.value for keyword in call.keywords}
    found: dict[str, object] = {
        name: ast.literal_eval(said[name]) if name in said else () for name in ("inputs", "options")
    }
    return found | ({"more_flags": ast.unparse(said["more_flags"])} if "more_flags" in said else {})


def test_the_flags_are_those_that_were_agreed() -> None:
    assert {path.stem: declared(path) for path in JOBS.glob("*.py")} == FLAGS


@pytest.mark.parametrize(
    ("shell", "verb"), [("rollback", "roll_back"), ("sweep", "sweep_releases")]
)
def test_the_shell_and_the_verb_have_one_set_of_flags(shell: str, verb: str) -> None:
    said = {}
    for command in (["-m", "secateur.client", shell], [str(JOBS / f"{verb}.py")]):
        done = subprocess.run(
            [sys.executable, *command, "--help"], capture_output=True, text=True, check=True
        )
        options = done.stdout.partition("options:")[2]
        said[command[-1]] = set(re.findall(r"^  (--[a-z-]+)", options, re.MULTILINE))
    of_shell, of_verb = said.values()
    assert of_shell == SHARED_FLAGS[shell] | {"--json"}
    assert of_verb == SHARED_FLAGS[shell] | {"--scenario", "--set", "--store", "--output"}


def test_a_wrong_flag_is_asked_wrongly_and_said_in_one_line() -> None:
    command = [sys.executable, str(JOBS / "report_night.py"), "--nonsense"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == USAGE
    assert "--scenario" in done.stderr.splitlines()[-1]


def test_every_flag_says_what_it_is() -> None:
    known = {flag for declaration in FLAGS.values() for kind in ("inputs", "options")
             for flag in declaration[kind]}  # fmt: skip
    assert known == set(VERB_FLAGS)
    flags = verb_flags("v", "", [*VERB_FLAGS], []).format_help()
    for name, (value, meaning) in VERB_FLAGS.items():
        assert f"--{name} {value}" in flags
        assert meaning in " ".join(flags.split())


def test_the_docstring_is_the_help() -> None:
    command = [sys.executable, str(JOBS / "report_night.py"), "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    first = ast.get_docstring(ast.parse((JOBS / "report_night.py").read_text()))
    assert first is not None
    assert first.splitlines()[0] in done.stdout

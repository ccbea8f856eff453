"""The client needs nothing that the oldest Python of services lacks."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

from source_tree import PACKAGE, PROJECT
from test_architecture import CLIENT_ROOMS

FLOOR = "3.10"
# Of the foundation, what these rooms import; and the rooms of the extras for services.
ALSO = ("artifacts.py", "local_days.py", "server", "portable", "onnx_graph")
# What a type checker says of syntax and of parts of the standard library that came later.
LACKING = re.compile(r"(has no attribute|Cannot find implementation).*|.*\[syntax\]")


def complaints(files: list[str], cache: Path) -> list[str]:
    """What mypy finds lacking in the floor's standard library; of ours it looks at nothing."""
    alone = ["--config-file=", "--follow-imports=skip", "--ignore-missing-imports"]
    where = ["--explicit-package-bases", "--namespace-packages", f"--cache-dir={cache}"]
    command = [sys.executable, "-m", "mypy", f"--python-version={FLOOR}", *alone, *where, *files]
    said = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False).stdout
    of_modules = (line for line in said.splitlines() if "Module" in line or "[syntax]" in line)
    return [line for line in of_modules if LACKING.search(line)]


def test_the_wheel_promises_the_floor() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    assert project["requires-python"] == f">={FLOOR}"


def test_all_that_services_run_is_there_in_the_floor(tmp_path: Path) -> None:
    rooms = [str(PACKAGE / name) for name in (*CLIENT_ROOMS, *ALSO)]
    assert complaints(rooms, tmp_path) == []


def test_what_came_later_would_be_found(tmp_path: Path) -> None:
    later = tmp_path / "later.py"
    later.write_text(
        "import hashlib\nfrom datetime import UTC\nfrom typing import Self\n"
        "found = hashlib.file_digest\ntry:\n    pass\nexcept* OSError:\n    pass\n"
    )
    assert len(complaints([str(later)], tmp_path / "cache")) >= 1
    later.write_text(later.read_text().partition("try:")[0])
    assert len(complaints([str(later)], tmp_path / "cache")) == 3

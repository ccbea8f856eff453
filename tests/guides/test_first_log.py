"""The tutorial is run as it stands: every shell block, in order, in one shell.

The steps up to the checked scenario take seconds; the night after them takes minutes.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .pages import GUIDES, PROJECT, Block, blocks

PAGE = GUIDES / "first_log.md"
NIGHT = "4. The night, verb by verb"
TIMEOUT_S = 1500


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder that looks like a checkout after set-up, without what earlier runs left there."""
    for name in ("jobs", "infra"):
        (tmp_path / name).symlink_to(PROJECT / name)
    environment = tmp_path / ".venv" / "bin"
    environment.mkdir(parents=True)
    (environment / "activate").write_text(f'PATH="{environment}:$PATH"\n')
    script(environment / "python", f'exec {sys.executable} "$@"')
    script(environment / "secateur", f'exec {sys.executable} -m secateur.client "$@"')
    client = PROJECT / ".venv-client"
    if client.exists():
        (tmp_path / ".venv-client").symlink_to(client)
    else:
        (tmp_path / ".venv-client" / "bin").mkdir(parents=True)
        script(tmp_path / ".venv-client" / "bin" / "python", f'exec {sys.executable} "$@"')
    return tmp_path


def script(path: Path, command: str) -> None:
    path.write_text(f'#!/bin/sh\nPYTHONPATH="{PROJECT / "jobs"}"\nexport PYTHONPATH\n{command}\n')
    path.chmod(0o755)


def run(checkout: Path, commands: list[Block]) -> tuple[list[str], str]:
    """What all blocks print, line by line, and what they log; where one fails, so does the test."""
    hidden = ("SECATEUR_ID_KEY", "SECATEUR_SIGNING_KEY", "SECATEUR_VERIFY_KEY", "PYTHONPATH")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    done = subprocess.run(
        ["bash", "-eu", "-c", "\n".join(block.text for block in commands)],
        cwd=checkout,
        env=environment | {"XDG_CACHE_HOME": str(checkout / "cache")},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-5000:]
    return done.stdout.splitlines(), done.stderr


def shell_blocks() -> list[Block]:
    return [block for block in blocks(PAGE) if block.language == "shell"]


def test_the_page_has_steps_before_the_night_and_after_it() -> None:
    headings = [block.heading for block in shell_blocks()]
    first = headings.index(NIGHT)
    assert 4 < first < len(headings) - 4


def test_the_draft_and_the_check_say_what_the_page_shows(checkout: Path) -> None:
    steps = shell_blocks()
    first = [block.heading for block in steps].index(NIGHT)
    printed, _ = run(checkout, steps[:first])
    shown = [line for b in blocks(PAGE) if b.language == "text" for line in b.text.splitlines()]
    assert len(shown) == 13
    assert [line for line in shown if line not in printed] == []


@pytest.mark.proof
def test_the_whole_page_ends_in_a_score_that_a_service_was_given(checkout: Path) -> None:
    printed, logged = run(checkout, shell_blocks())
    assert "confirmed: confirm AUC" in logged
    assert "3 rows in " in logged
    assert any(line.split()[:1] == ["1"] and line.endswith("latest") for line in printed)
    assert any("signatures, bytes and golden scores hold" in line for line in printed)
    trial = next(n for n, line in enumerate(printed) if line.startswith("scenario  "))
    assert any(line.strip().startswith("logistic regression") for line in printed[trial:])
    *from_shell, a, b, c = map(float, printed[trial - 6 : trial])
    assert [a, b, c] == pytest.approx(from_shell, rel=1e-6)
    assert all(0 < score < 1 for score in from_shell)
    assert len(set(from_shell)) == 3
    report = checkout / "var" / "first_log" / "night" / "report" / "index.html"
    assert "What will this customer buy next?" in report.read_text()

"""`check_run` as Airflow runs it: what it answers, and the exit code of what cannot be run."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from secateur import artifacts
from secateur.contracts.data import RunWindow
from secateur.contracts.errors import NOT_YET, REFUSED, USAGE
from small_log import SmallLog, small_log

VERB = Path(__file__).parents[1] / "jobs" / "check_run.py"


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> SmallLog:
    return small_log(tmp_path_factory.mktemp("log")).write()


def check(log: SmallLog, output: Path, *flags: str, form: str = "{}") -> tuple[int, str]:
    """Exit code and last line of the verb."""
    done = subprocess.run(
        [
            sys.executable,
            str(VERB),
            f"--scenario={log.scenario}",
            f"--form={form}",
            f"--output={output}",
            *flags,
        ],
        env={"SECATEUR_ANSWER": str(output.with_suffix(".answer"))},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr.strip().splitlines()[-1]


def test_the_window_is_sealed_and_its_last_day_answered(log: SmallLog, tmp_path: Path) -> None:
    output = tmp_path / "window"
    assert check(log, output)[0] == 0
    window = artifacts.open_artifact(str(output), "RunWindow").read("window.json", RunWindow)
    days = sorted(path.name.removeprefix("date=") for path in log.folder.glob("events/*"))
    assert window == RunWindow(tuple(days), days[-1])
    answer = json.loads(output.with_suffix(".answer").read_text())
    assert answer == {"uri": str(output), "last_day": days[-1]}


@pytest.mark.parametrize(
    ("flags", "form", "code", "words"),
    [
        ((), '{"dryrun": true}', USAGE, "dryrun: unknown key (did you mean dry_run?)"),
        (("--set=logs.last_day=2031-01-01",), "{}", REFUSED, "has no 2031-01-01 yet"),
        (
            ("--set=logs.last_day=2031-01-01", "--run-type=manual"),
            '{"last_day": "2031-01-01"}',
            REFUSED,
            "has no 2031-01-01 yet",
        ),
        (
            ("--set=logs.last_day=2031-01-01", "--run-type=scheduled"),
            "{}",
            NOT_YET,
            "has no 2031-01-01 yet; its newest day is 2024-03-06",
        ),
        (("--set=logs.window_days=60",), "{}", REFUSED, "of the 60 days up to 2024-03-06"),
    ],
)
def test_what_cannot_be_run_is_told_before_anything_is_read(
    log: SmallLog, tmp_path: Path, flags: tuple[str, ...], form: str, code: int, words: str
) -> None:
    found, said = check(log, tmp_path / "window", *flags, form=form)
    assert (found, words in said) == (code, True), said
    assert not (tmp_path / "window" / "manifest.json").exists()

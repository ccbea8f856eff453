"""`check_run` as Airflow runs it: what it answers, and the exit code of what cannot be run."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from secateur import artifacts
from secateur.contracts.data import RunWindow
from secateur.contracts.errors import FENCED, NOT_YET, NOTHING_NEW, REFUSED, USAGE
from secateur.releases import signing
from secateur.releases.catalogue import Catalogue
from secateur.releases.publisher import Publisher
from secateur.releases.publishing import FromNight, publish
from small_log import SmallLog, small_log
from small_package import sealed

VERB = Path(__file__).parents[1] / "jobs" / "check_run.py"


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> SmallLog:
    return small_log(tmp_path_factory.mktemp("log")).write()


def check(
    log: SmallLog, output: Path, *flags: str, form: str = "{}", verify_key: str = ""
) -> tuple[int, str]:
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
        env={
            "SECATEUR_ANSWER": str(output.with_suffix(".answer")),
            "SECATEUR_VERIFY_KEY": verify_key,
        },
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
    assert (window.days, window.last_day) == (tuple(days), days[-1])
    manifest = artifacts.read_manifest(str(output))
    assert manifest.facts["skipped"] == {"hidden": 0, "future": {}}
    answer = json.loads(output.with_suffix(".answer").read_text())
    assert answer == {"uri": str(output), "last_day": days[-1]}


@pytest.mark.parametrize(
    ("flags", "form", "code", "words"),
    [
        ((), '{"dryrun": true}', USAGE, "dryrun: unknown key (did you mean dry_run?)"),
        ((), '{"candidates": []}', USAGE, "candidates: [] is"),
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


def test_a_run_that_would_make_what_is_served_is_skipped_until_something_changes(
    log: SmallLog, tmp_path: Path
) -> None:
    store, seed = tmp_path / "store", signing.new_seed()
    signer = signing.Signer.of(seed)
    flags = (f"--store={store}", "--set=logs.last_day=2024-03-06")

    def run(*more: str, form: str = "{}") -> tuple[int, str]:
        return check(log, tmp_path / "window", *flags, *more, form=form, verify_key=signer.public)

    assert run()[0] == 0  # nothing is served yet
    window = artifacts.open_artifact(str(tmp_path / "window"), "RunWindow")
    night = window.read("window.json", RunWindow)
    catalogue = Catalogue.at(f"{store}/small", signing.Trust.of([signer.public]))
    publisher = Publisher(catalogue, signer, lambda release: None)
    publish(publisher, "latest", *sealed(tmp_path, 1), FromNight(night.days, night.night))

    code, said = run()
    assert (code, "release 1 of" in said) == (NOTHING_NEW, True), said
    # The day of the form and the newest one are one day, and the schedule is no part of the work.
    assert run("--set=logs.last_day=2024-03-06", "--set=schedule=@yearly")[0] == NOTHING_NEW
    assert run(form='{"again": true}')[0] == run(form='{"dry_run": true}')[0] == 0
    assert run("--set=release.channel=canary")[0] == 0
    assert run("--set=judgement.margin=0.02")[0] == 0
    assert run("--set=logs.last_day=2024-03-05", "--set=logs.window_days=5")[0] == 0
    day = next(log.folder.glob("events/date=2024-03-06/*"))
    os.utime(day, (1, 1))
    assert run()[0] == 0


def test_a_second_night_of_the_same_state_waits_until_the_first_has_its_report(
    log: SmallLog, tmp_path: Path
) -> None:
    state = f"--state={tmp_path / 'state'}"

    def run(name: str) -> int:
        return check(log, tmp_path / name / "window", state, f"--run={tmp_path / name}")[0]

    assert [run("a"), run("b"), run("a")] == [0, FENCED, 0]
    report = [sys.executable, str(VERB.with_name("report_night.py")), f"--scenario={log.scenario}"]
    report += [f"--run={tmp_path / 'a'}", state, f"--output={tmp_path / 'a' / 'report'}"]
    subprocess.run(report, capture_output=True, check=True)
    assert [run("b"), run("a")] == [0, FENCED]

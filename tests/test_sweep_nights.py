"""What old nights left goes, and nothing that a later night or a person on call needs."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from secateur import artifacts
from secateur.contracts.data import NightSweep
from secateur.contracts.errors import FENCED, USAGE
from secateur.storage import open_store
from secateur.storage.lease import take_for
from small_log import SmallLog, small_log

VERB = Path(__file__).parents[1] / "jobs" / "sweep_nights.py"
DAY_S = 24 * 3600
RUNS = [f"2024030{n}T030000-00000{n}" for n in range(1, 6)]
HELD = "holdouts/f/q.json"
OF_THE_FENCE = {"state/night.json", "state/.lock"}


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> SmallLog:
    return small_log(tmp_path_factory.mktemp("log")).write()


def write(path: Path, days_old: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x" * 10)
    then = time.time() - days_old * DAY_S
    os.utime(path, (then, then))


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Five runs, 100 to 60 days old and one of them half new, and a state as old."""
    for age, run in zip((100, 90, 80, 70, 60), RUNS, strict=True):
        for name in ("manifest.json", "events/part.parquet"):
            write(tmp_path / "runs" / run / name, age)
        write(tmp_path / "state" / "accepted" / run[:8] / "manifest.json", age)
    write(tmp_path / "runs" / RUNS[0] / "report" / "index.html", 1)  # somebody wrote it again
    write(tmp_path / "runs" / "notes" / "mine.txt", 500)
    write(tmp_path / "state" / "clean_events" / "2024-03-01" / "k1" / "manifest.json", 90)
    write(tmp_path / "state" / "clean_events" / "2024-03-01" / "k2" / "manifest.json", 2)
    write(tmp_path / "state" / HELD, 900)
    return tmp_path


def sweep(log: SmallLog, site: Path, *flags: str, days: float = 30) -> int:
    command = [sys.executable, str(VERB), f"--scenario={log.scenario}", f"--run={site / 'runs'}"]
    command += [f"--state={site / 'state'}", "--keep=2", f"--keep-days={days}", *flags]
    done = subprocess.run([*command, f"--output={site / 'out'}"], capture_output=True, check=False)
    return done.returncode


def files(site: Path) -> set[str]:
    below = (path for part in ("runs", "state") for path in (site / part).rglob("*"))
    return {path.relative_to(site).as_posix() for path in below if path.is_file()} - OF_THE_FENCE


def test_it_says_what_would_go_and_deletes_that_when_told(log: SmallLog, site: Path) -> None:
    before = files(site)
    assert sweep(log, site) == 0
    assert files(site) == before
    told = artifacts.open_artifact(str(site / "out"), "NightSweep").read("receipt.json", NightSweep)
    # The two runs that were written to last stay, and three days of what was accepted go.
    assert sorted(told.runs) == RUNS[1:4]
    assert sorted(told.state) == [
        *(f"accepted/{run[:8]}" for run in RUNS[:3]),
        "clean_events/2024-03-01/k1",
    ]
    assert sweep(log, site, "--delete") == 0
    gone = (*(f"runs/{run}/" for run in told.runs), *(f"state/{one}/" for one in told.state))
    expected = {name for name in before if not name.startswith(gone)}
    assert files(site) == expected
    assert {"runs/notes/mine.txt", f"state/{HELD}"} <= expected
    assert not (site / "runs" / RUNS[1]).exists()


def test_what_only_looks_like_a_run_stays_and_takes_no_runs_place(
    log: SmallLog, site: Path
) -> None:
    copies = [f"{run}{suffix}" for run in RUNS[:2] for suffix in ("-copy", "0")]
    for copy in copies:
        write(site / "runs" / copy / "manifest.json", 50)  # later than any run
    assert sweep(log, site, "--delete") == 0
    assert {path.name for path in (site / "runs").iterdir()} == {RUNS[0], RUNS[4], "notes", *copies}


def test_the_newest_days_stay_though_a_backfill_wrote_older_ones_later(
    log: SmallLog, site: Path
) -> None:
    accepted = site / "state" / "accepted"
    for day in ("20240101", "20240102"):
        write(accepted / day / "manifest.json", 50)
    assert sweep(log, site, "--delete") == 0
    assert sorted(path.name for path in accepted.iterdir()) == [run[:8] for run in RUNS[3:]]


def test_it_stays_away_from_a_night_at_work_and_from_days_of_a_window(
    log: SmallLog, site: Path
) -> None:
    assert sweep(log, site, "--delete", days=6) == USAGE
    take_for(str(site / "state"), "night.json", "a run", hours=1)
    before = files(site)
    assert sweep(log, site, "--delete") == FENCED
    assert files(site) == before
    assert open_store(str(site / "state")).exists("night.json")


def test_a_day_of_which_nothing_is_left_leaves_no_folder(log: SmallLog, site: Path) -> None:
    write(site / "state" / "clean_events" / "2024-03-02" / "k1" / "manifest.json", 90)
    assert sweep(log, site, "--delete") == 0
    assert [path.name for path in (site / "state" / "clean_events").iterdir()] == ["2024-03-01"]


def test_nothing_behind_a_link_is_deleted(log: SmallLog, site: Path) -> None:
    """Of an old run's links, which go alone, and of a run that is one, which stays."""
    shared, run, link = site / "shared", site / "runs" / RUNS[1], site / "runs" / f"{RUNS[2][:-1]}9"
    write(shared / "manifest.json", 500)
    (run / "features").symlink_to(shared)
    (run / "nothing").symlink_to("gone")
    link.symlink_to(shared)
    assert sweep(log, site, "--delete") == 0
    assert (shared / "manifest.json").exists()
    assert not run.exists()
    assert link.is_symlink()


def test_a_state_behind_a_link_is_told_and_stays(log: SmallLog, site: Path) -> None:
    kept = site / "state" / "clean_events"
    kept.symlink_to(kept.rename(site / "elsewhere"))
    before = set((site / "elsewhere").rglob("*"))
    assert sweep(log, site, "--delete") not in (0, USAGE)
    assert set((site / "elsewhere").rglob("*")) == before

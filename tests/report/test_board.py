"""The board: every night with its ending, what is served, and a page that fits every screen."""

import os
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from secateur.contracts.errors import TaskFailure
from secateur.contracts.record import dump
from secateur.contracts.releases import (
    Approval,
    ChannelPointer,
    Hold,
    Move,
    ReleaseManifest,
    ServedChannel,
    ServedNow,
)
from secateur.report.board.board_page import render_board
from secateur.report.board.past_nights import past_nights, run_folders
from secateur.scenario import Judgement

from .conftest import complete, scorecard

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
TITLE = "Short <videos>"
# A window cannot be as narrow as a phone's, a frame can.
FRAME = """
<iframe id="frame" src="page.html" width="WIDTH" height="900" style="border: 0"></iframe>
<script>
frame.onload = () => {
  const page = frame.contentDocument.documentElement;
  document.title = "over " + (page.scrollWidth - page.clientWidth);
};
</script>
"""
RUNS = ("20260507T190000-aaaaaa", "20260508T190000-bbbbbb", "20260509T190000-cccccc")
MANIFEST = ReleaseManifest(
    "short_video", 17, "a" * 64, "b" * 64, "hybrid_medium", "2026-05-07T20:00:00+00:00", (), 9,
    ("2022-05-07", "2022-05-08"), approval=Approval("ada", "2026-05-07T20:00:00+00:00"),
)  # fmt: skip
POINTER = ChannelPointer(
    "short_video", "latest", 17, "c" * 64, 23, 17, "2026-05-07T20:00:00+00:00", "published",
    Hold("grace", "2026-05-08T09:00:00+00:00", "the campaign runs"),
    (Move("published", 17, 23, "2026-05-07T20:00:00+00:00", "night", "published"),),
)  # fmt: skip
SERVED = ServedNow((ServedChannel(POINTER, MANIFEST),), {("short_video", 17): MANIFEST})


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """A night that published, one that was refused, one that was skipped, and what is no night."""
    folder = tmp_path / "runs"
    complete(folder / RUNS[0])
    complete(folder / RUNS[1], Judgement(margin=-0.5))
    skipped = TaskFailure("check_run", None, 1, "skipped", "2022-05-10 was not delivered", None)
    records = folder / RUNS[2] / "failures"
    records.mkdir(parents=True)
    (records / "check_run.json").write_bytes(dump(skipped))
    (folder / "state").mkdir()
    (folder / "state" / "manifest.json").write_text("{}")
    return folder


def page_of(runs: Path, served: ServedNow = SERVED) -> str:
    return render_board(TITLE, past_nights(str(runs), 60), served, "2026-05-09 20:00 UTC")


def words(html: str) -> str:
    return " ".join(
        re.sub(r"<[^>]*>", " ", re.sub(r"<style>.*?</style>", "", html, flags=re.S)).split()
    )


def test_every_night_stands_there_with_its_ending_the_newest_first(runs: Path) -> None:
    html = page_of(runs)
    endings = re.findall(r'<span class="status (\w+)">', html)
    assert endings == ["skipped", "refused", "published"]
    told = words(html)
    assert "2022-05-10 was not delivered" in told
    assert "small_ dense_ distilled" in told
    assert "17 on latest ada" in told, "who approved"
    assert "Short &lt;videos&gt;" in html


def test_figures_are_those_of_the_sealed_scorecards(runs: Path) -> None:
    told = words(page_of(runs))
    card = scorecard("small_dense_distilled")
    ours, dense = card.accuracy["confirm"], card.dense_accuracy["confirm"]
    assert f"{ours.auc:.4f} dense {dense.auc:.4f} {ours.gauc:.4f} {dense.gauc:.4f}" in told
    assert "118 kB 25.0\N{MULTIPLICATION SIGN} smaller 1.29 ms 3.10 ms 1.00 %" in told
    assert f"{dense.auc:.4f} of dense" in told, "of the night that chose nothing"


def test_what_is_served_since_when_and_who_holds_it(runs: Path) -> None:
    told = words(page_of(runs))
    assert "latest short_video 17 hybrid_ medium 2026-05-07 20:00 night published" in told
    assert "held by grace: the campaign runs" in told
    unread = replace(SERVED, channels=(), unread=("s3://models/x: no answer",))
    assert "Not read: s3://models/x: no answer" in words(page_of(runs, unread))


def test_a_scenario_without_nights_has_a_board(tmp_path: Path) -> None:
    told = words(page_of(tmp_path, ServedNow((), {})))
    assert "No night has run yet." in told
    assert "No channel serves anything yet." in told


def test_each_report_is_linked_and_nothing_else_is_fetched(runs: Path, build: Any) -> None:
    build(runs / RUNS[0]).seal("report", "Report", {})
    html = page_of(runs)
    assert re.findall(r'href="([^"]*)"', html) == [f"runs/{RUNS[0]}/report"]
    assert not re.search(r"https?://|src\s*=|@import|url\(|<script|<link|<iframe|<img", html)
    (ended,) = [one for one in run_folders(str(runs)) if one.has_report]
    assert ended.seconds is not None
    assert ended.seconds < 60


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
@pytest.mark.parametrize("width", [1280, 390])
def test_it_fits_the_screen_without_a_sideways_scroll(runs: Path, width: int) -> None:
    html = page_of(runs)
    assert overflow_at(html, width, runs) <= 0
    wide = html.replace("<header>", '<header><p style="width: 2000px">x</p>')
    assert overflow_at(wide, width, runs) > 0, "it is measured"


def overflow_at(html: str, width: int, folder: Path) -> int:
    """By how many pixels a page is wider than a window of this width."""
    (folder / "page.html").write_text(html)
    (folder / "frame.html").write_text(FRAME.replace("WIDTH", str(width)))
    command = [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu"]
    command += ["--allow-file-access-from-files", "--virtual-time-budget=5000", "--dump-dom"]
    home = {**os.environ, "HOME": str(folder)}
    done = subprocess.run(
        [*command, (folder / "frame.html").as_uri()],
        capture_output=True,
        text=True,
        check=True,
        env=home,
        timeout=120,
    )
    found = re.search(r"<title>over (-?\d+)</title>", done.stdout)
    assert found, done.stdout[-500:]
    return int(found.group(1))

"""Claims about the page: whole for every end of a night, self-contained, true to its sources."""

import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from secateur import artifacts
from secateur.contracts.candidates import Recipe
from secateur.contracts.data import ColumnDrift, LateDays, RunWindow, SkippedFiles
from secateur.contracts.judgement import SLICES, Refusal
from secateur.report.night_artifacts import read_night
from secateur.report.page import render
from secateur.scenario import Judgement

JOBS = Path(__file__).parents[2] / "jobs"
Build = Callable[..., Path]
TITLE = "Who <watches> & who does not"
VOID = {"meta", "circle", "rect", "line", "polyline", "wbr", "br"}
# What would make a browser fetch something: there must be none of it.
OUTSIDE = re.compile(r"https?://|src\s*=|href\s*=|@import|url\(|<script|<link|<iframe|<img", re.I)


class Reader(HTMLParser):
    """Collects text and insists that every tag is closed in its turn."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def read(folder: Path) -> tuple[str, str]:
    """The page of a night and its words, after the claims that hold for every page."""
    html = render(read_night(str(folder)), TITLE)
    assert not OUTSIDE.search(html)
    assert len(html.encode()) < 1_000_000
    reader = Reader()
    reader.feed(html)
    assert not reader.open
    words = " ".join(" ".join(reader.words).split())
    assert TITLE in words  # escaped, so that it reads as it was written
    return html, words


def test_a_published_night(complete_night: Build) -> None:
    html, words = read(complete_night())
    assert "small_dense_distilled is release 17 on channel latest" in words
    assert "loses at most 0.0075 AUC" in words
    assert "no saving: 1.00\N{MULTIPLICATION SIGN} smaller than dense at 80% nominal" in words
    assert "no package was sealed: see the log of its pruning" in words
    assert "packaged, but no scorecard was sealed" in words
    assert words.count("stored: table of float32, tower of float32") == 9
    assert html.count("<svg") >= 6
    for outcome in ("accepted", "passed", "failed", "no saving", "crashed", "baseline"):
        assert outcome in words
    assert "Missing" not in words
    assert words.index("from home") > words.index(SLICES[-1].name)


def test_a_night_refused_by_the_gate(complete_night: Build) -> None:
    _, words = read(complete_night(rules=Judgement(margin=-0.02)))
    assert "None of 9 candidates is small and good enough" in words
    assert "The model that is served stays as it was." in words
    assert "margin these rows support" in words


def test_a_night_whose_choice_was_not_confirmed(complete_night: Build) -> None:
    _, words = read(complete_night(confirm_shift=-0.02))
    assert "chosen on the tune days but not confirmed" in words


def test_a_night_refused_by_validation_shows_what_broke(build: Any, tmp_path: Path) -> None:
    build(tmp_path / "run").data(valid=False)
    _, words = read(tmp_path / "run")
    assert "The features broke 1 of 7 declared expectations" in words
    assert "oov_rate <= 0.2" in words
    assert "Missing: no dense model was sealed." in words


def test_files_that_no_night_reads_are_told(build: Any, tmp_path: Path) -> None:
    night = build(tmp_path / "run")
    night.data()
    skipped = SkippedFiles(hidden=1_234, future={"2027-01-01": 24, "2028-01-01": 1})
    window = RunWindow(("2022-05-08",), "2022-05-08", skipped=skipped)
    night.seal("window", "RunWindow", {"window.json": window})
    _, words = read(tmp_path / "run")
    assert "Skipped files of days in the future: 2027-01-01 (24), 2028-01-01 (1)." in words
    assert "Skipped as hidden or temporary: 1,234 files." in words


TAB = ColumnDrift(
    column="tab",
    measure="categories",
    formula="L-infinity",
    limit=0.1,
    distance=0.31,
    bins=12,
    rows=191_000,
    reference_rows=188_000,
    reference_day="2022-05-07",
    reference="feedbeef" * 8,
)
FEW = replace(TAB, column="age", distance=None, not_compared="7 rows tonight: fewer than 1,000")


def test_drift_is_shown_with_its_reference_and_its_limit(build: Any, tmp_path: Path) -> None:
    build(tmp_path / "run").data(drift=(TAB, FEW))
    _, words = read(tmp_path / "run")
    assert "The events broke" in words
    assert "which ended on 2022-05-07 ( feedbeeffe )" in words
    assert "tab L-infinity 12 191,000 188,000 0.3100 0.1000 no" in words
    assert "not compared: 7 rows tonight: fewer than 1,000" in words


def test_a_bootstrap_is_told(build: Any, tmp_path: Path) -> None:
    build(tmp_path / "run").data(bootstrap="no earlier night was accepted")
    assert "Bootstrap: no earlier night was accepted." in read(tmp_path / "run")[1]


def test_a_night_that_stopped_halfway(build: Any, tmp_path: Path) -> None:
    night = build(tmp_path / "run")
    night.data()
    night.training()
    night.plan(("int8", "neurons_l2"))
    night.candidate("int8")
    _, words = read(tmp_path / "run")
    assert "The night stopped after plan" in words
    assert "measured, but no verdict was sealed" in words


def test_an_empty_run_is_said_to_be_empty(tmp_path: Path) -> None:
    _, words = read(tmp_path)
    assert "Nothing was sealed in this run" in words
    assert words.count("Missing:") == 6


def test_a_part_that_was_altered_is_not_shown(complete_night: Build) -> None:
    folder = complete_night()
    verdict = folder / "verdict" / "verdict.json"
    verdict.write_text(verdict.read_text().replace("confirmed:", "confirmed!"))
    night = read_night(str(folder))
    assert night.verdict is None
    assert "cannot be trusted" in read(folder)[1]
    assert "differs from its manifest" in night.unreadable["verdict"]
    assert "Not trusted: verdict" in read(folder)[1]


def test_every_source_is_named_with_its_digest(complete_night: Build) -> None:
    folder = complete_night()
    night = read_night(str(folder))
    _, words = read(folder)
    for part in ("verdict", "events", "dense", "scorecards/int8", "features_report"):
        assert f"{part} {night.artifacts[part].digest[:10]}" in words


def test_the_same_night_gives_the_same_bytes(complete_night: Build) -> None:
    folder = complete_night()
    assert read(folder) == read(folder)


def test_the_page_holds_no_trace_of_where_the_run_lies(complete_night: Build) -> None:
    folder = complete_night()
    assert str(folder) not in read(folder)[0]


@pytest.mark.parametrize("missing", ["events", "features", "dense", "plan", "verdict", "release"])
def test_any_part_may_be_missing(complete_night: Build, missing: str) -> None:
    folder = complete_night()
    (folder / missing / "manifest.json").unlink()
    read(folder)


def test_the_verb_seals_the_page_of_an_unfinished_night(build: Any, tmp_path: Path) -> None:
    build(tmp_path / "run").data()
    command = [sys.executable, "report_night.py", "--scenario", "short_video"]
    command += ["--run", str(tmp_path / "run"), "--output", str(tmp_path / "run" / "report")]
    digests = set()
    for _ in range(2):
        subprocess.run(command, cwd=JOBS, check=True, capture_output=True)
        report = artifacts.open_artifact(str(tmp_path / "run" / "report"), "Report")
        assert "incomplete" in report.file("index.html").read_text()
        digests.add(report.manifest.files)
    assert len(digests) == 1


def test_a_refused_package_is_told_from_a_crash_by_its_reason(
    complete_night: Build, build: Callable[..., Any]
) -> None:
    folder = complete_night()
    crash = "pruned, but no package was sealed: see the log of its pruning"
    assert crash not in read(folder)[1]
    night = build(folder)
    night.seal("candidates/neurons_l2/bundle", "ModelBundle", {"model.json": Recipe("neurons_l2")})
    html, words = read(folder)
    assert crash in words and "outcome refused" not in html
    reason = "the package scores otherwise than its model: 3 of 200 held-out rows differ"
    night.seal("candidates/neurons_l2/refusal", "Refusal", {"refusal.json": Refusal(reason)})
    html, words = read(folder)
    assert crash not in words and reason in words and "outcome refused" in html


def test_days_that_were_delivered_again_are_named(complete_night: Build, build: Any) -> None:
    folder = complete_night()
    build(folder).seal("events/late", "LateDays", {"late_days.json": LateDays(("2022-05-03",))})
    _, words = read(folder)
    assert "Delivered again since they were first cleaned: 2022-05-03." in words


def test_the_load_that_packages_were_timed_under_is_told(complete_night: Build) -> None:
    _, words = read(complete_night())
    assert "other work took up to 7 % of the machine" in words

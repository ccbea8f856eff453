"""A log of clicks alone, whose items live for hours and whose truth is planted, end to end."""

from pathlib import Path

import pytest

from bench.data.negatives import (
    CLICKS,
    DAYS_BEFORE,
    WORLD,
    Case,
    best_of,
    confirm_auc,
    drawn_of,
    rows_of,
    seal_rows,
    verdict,
)
from bench.data.news_log import write_clicks

COUNT = 60_000


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("planted")
    write_clicks(WORLD, COUNT, folder / "clicks")
    return folder


def drawn(log: Path, name: str, *settings: str, keeps_all: bool = False) -> Case:
    """The log's clicks with their negatives, drawn under a rule."""
    own = (f"logs.uri={log / 'clicks'}", *settings)
    case = Case(name, CLICKS, log / name, own, keeps_all)
    case.verbs.seal("clean_events", {}, "drawn")
    seal_rows(case)
    return case


@pytest.mark.proof
def test_a_model_of_drawn_negatives_learns_what_was_planted(log: Path) -> None:
    """Not all of it: a reader's taste is told by some hundred clicks, and the best knows it."""
    live = drawn(log, "live")
    assert verdict(live) == "passes"
    counts = drawn_of(live)
    assert counts.left_out / counts.positives < 0.15
    model = confirm_auc(live)
    assert best_of(live) - 0.035 < model < best_of(live)


@pytest.mark.proof
def test_a_night_that_draws_from_the_days_before_is_refused(log: Path) -> None:
    before = drawn(log, "days_before", *DAYS_BEFORE, keeps_all=True)
    young = rows_of(before).ages["under 1 h"]
    assert young.positives > 0.99 * young.rows > 1_000
    assert "label rate by item age" in verdict(before)

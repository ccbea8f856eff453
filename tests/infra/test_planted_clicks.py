"""A log of clicks alone, whose items live for hours and whose truth is planted, end to end."""

import pytest

from bench.data.negatives import (
    COUNT,
    WORLD,
    Case,
    best_of,
    draw,
    drawn_of,
    model_aucs,
    planted_case,
    rows_of,
    verdict,
)


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Case:
    """The log's clicks, from which negatives are drawn by the scenario's rule."""
    return planted_case(tmp_path_factory.mktemp("planted"), WORLD, COUNT)


@pytest.mark.proof
def test_a_model_of_drawn_negatives_is_nearly_as_good_as_any_can_be(live: Case) -> None:
    draw(live)
    assert verdict(live) == "passes"
    counts = drawn_of(live)
    assert counts.left_out / counts.positives < 0.05
    model, best = model_aucs(live)["confirm"], best_of(live, "confirm")
    assert best - 0.01 < model < best + 0.005


@pytest.mark.proof
def test_a_night_that_draws_from_the_days_before_is_refused(live: Case) -> None:
    before = live.before()
    draw(before)
    young = rows_of(before).ages["under 1 h"]
    assert young.positives > 0.99 * young.rows > 1_000
    assert "label rate by item age" in verdict(before)

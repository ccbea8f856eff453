"""Scores at another share of positives."""

import numpy as np
import pytest

from secateur.contracts.errors import UsageError
from secateur.serving.prior import at_rate


def test_scores_move_to_the_share_that_is_given() -> None:
    """Rows with a known chance, their negatives thinned: the shift gives the chances back."""
    dice = np.random.default_rng(1)
    chance = 1 / (1 + np.exp(-dice.normal(-4, 1, 400_000)))
    taken = dice.random(len(chance)) < chance
    kept = taken | (dice.random(len(chance)) < 0.05)
    drawn = chance / (chance + 0.05 * (1 - chance))  # what a perfect model scores after thinning
    drawn_rate, rate = taken[kept].mean(), taken.mean()
    found = at_rate(drawn.astype(np.float32), float(drawn_rate), float(rate))
    assert abs(found.mean() - rate) < 1e-3
    np.testing.assert_allclose(found, chance, rtol=0.02)
    order = np.argsort(drawn, kind="stable")
    assert (np.diff(found[order]) >= 0).all()


def test_a_share_that_changes_nothing_changes_nothing() -> None:
    scores = np.array([0, 0.2, 0.9, 1], np.float32)
    np.testing.assert_allclose(at_rate(scores, 0.25, 0.25), scores, rtol=1e-6)


@pytest.mark.parametrize("rate", [0.0, 1.0, -0.1, float("nan")])
def test_no_share_is_refused(rate: float) -> None:
    with pytest.raises(UsageError, match="is no share"):
        at_rate(np.array([0.5], np.float32), 0.2, rate)


def test_a_model_without_drawn_negatives_has_nothing_to_move() -> None:
    with pytest.raises(UsageError, match="no negatives were drawn"):
        at_rate(np.array([0.5], np.float32), None, 0.2)

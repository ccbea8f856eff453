"""Slow proofs that simulate nights: `make proof`. More of them: `python -m bench gate_nights`."""

from functools import partial

import numpy as np
import pytest

from bench.judgement.drifting_nights import (
    BUDGET,
    CHAMPION_ALONE,
    MARGIN,
    OURS,
    OURS_DECAYING,
    drift,
)
from bench.judgement.gate_nights import night, true_loss

pytestmark = pytest.mark.proof
NIGHTS, CANDIDATES = 120, 20


def test_the_gate_publishes_what_is_just_too_bad_on_few_nights_and_estimates_on_most() -> None:
    """Of 120 nights an error rate of 5 % gives 6; more than 12 would come once in 200 runs."""
    margin = true_loss(logs=500)
    found = [partial(night, margin, CANDIDATES)(seed) for seed in range(NIGHTS)]
    shares = {name: np.mean([getattr(one, name) for one in found]) for name in found[0]._fields}
    assert shares["copy_passes"] >= 0.95
    assert shares["alone_by_rule"] <= 0.1
    assert shares["by_rule"] <= 0.1
    assert shares["by_estimate"] > 0.9


def test_small_losses_drift_under_a_gate_that_knows_the_champion_alone() -> None:
    histories = drift(nights=30)
    best = histories[OURS].best
    lost = {gate: best - min(history.aucs) for gate, history in histories.items()}
    assert lost[CHAMPION_ALONE] > 3.5 * MARGIN
    assert lost[OURS] < MARGIN
    assert lost[OURS_DECAYING] < BUDGET + MARGIN

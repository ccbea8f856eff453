"""Slow proofs that many rows fit into a small memory, and are all counted: `make proof`."""

import numpy as np
import pytest

from bench.judgement.gate_speed import measured_run
from secateur.contracts.judgement import METRICS
from secateur.judgement.intervals.differences import differences
from secateur.judgement.metrics.scored_rows import JudgedRows

pytestmark = pytest.mark.proof


def test_two_million_rows_of_four_candidates_take_a_fraction_of_what_they_fill() -> None:
    """A block, its sums by user and by item, and the bins of five models are what memory holds."""
    run = measured_run(2_000_000, candidates=4, rounds=100)
    assert run.memory < 400 * 2**20
    assert run.scratch > run.memory


def test_a_difference_of_more_rows_than_a_float32_counts_is_exact() -> None:
    pattern = np.array([(0, 0.2)] * 6 + [(1, 0.2)] * 2 + [(0, 0.7)] * 3 + [(1, 0.7)] * 9)
    copies = 18_000_000 // len(pattern)
    labels = np.tile(pattern[:, 0].astype(np.int8), copies)
    scores = np.tile(pattern[:, 1].astype(np.float32), copies)
    users = np.arange(len(labels), dtype=np.int32) // 1000
    rows = JudgedRows(labels, users, np.tile(np.arange(1000, dtype=np.int32), 18_000), users)
    found = differences(rows, scores, [np.full_like(scores, 0.5)], 1, 4, METRICS[:1])[0]["auc"]
    right = (9 * 6 + (9 * 3 + 2 * 6) / 2) / (11 * 9)
    assert len(labels) > 2**24
    assert found.estimate == pytest.approx(0.5 - right, abs=1e-12)
    assert found.effective_users == pytest.approx(18_000)

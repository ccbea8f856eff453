"""Claims about the bootstrap and its bounds, against two closed forms and against simulation."""

from statistics import NormalDist

import numpy as np
import pytest

from secateur.auc import WeightedAuc, auc
from secateur.contracts.judgement import Difference
from secateur.judgement import intervals

Sample = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def placements(labels: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each positive the share of negatives below it, for each negative of positives above."""
    positive, negative = scores[labels == 1], scores[labels == 0]
    won = (positive[:, None] > negative) + (positive[:, None] == negative) / 2
    return won.mean(axis=1), won.mean(axis=0)


def delong_error(labels: np.ndarray, dense: np.ndarray, candidate: np.ndarray) -> float:
    """Standard error of a paired difference in AUC (DeLong, DeLong and Clarke-Pearson 1988)."""
    differences = [
        c - d for c, d in zip(placements(labels, candidate), placements(labels, dense), strict=True)
    ]
    return float(np.sqrt(sum(np.var(d, ddof=1) / len(d) for d in differences)))


def clustered_error(
    labels: np.ndarray, users: np.ndarray, dense: np.ndarray, candidate: np.ndarray
) -> float:
    """The same where rows of one user belong together (Obuchowski 1997)."""
    of_positives, of_negatives = (
        c - d for c, d in zip(placements(labels, candidate), placements(labels, dense), strict=True)
    )
    mean = of_positives.mean()
    n_users = users.max() + 1
    sums = [
        np.bincount(users[labels == y], those - mean, n_users) / len(those)
        for y, those in ((1, of_positives), (0, of_negatives))
    ]
    return float(np.sqrt(n_users / (n_users - 1) * np.sum((sums[0] + sums[1]) ** 2)))


def simulate(
    seed: int, users: int, rows_a_user: int, shift: float = 0.0, noise: float = 0.5
) -> Sample:
    """Two models of one truth whose users differ; `shift` spoils the candidate."""
    rng = np.random.default_rng(seed)
    user = np.repeat(np.arange(users), rows_a_user)
    truth = rng.normal(size=len(user)) + rng.normal(size=users)[user]
    labels = (rng.random(len(user)) < 1 / (1 + np.exp(0.8 - truth))).astype(np.int8)
    taste = [noise * rng.normal(size=users)[user] for _ in range(2)]
    dense = truth + taste[0] + noise * rng.normal(size=len(user))
    candidate = truth + taste[1] + (noise + shift) * rng.normal(size=len(user))
    return labels, user, dense.astype(np.float32), candidate.astype(np.float32)


def test_the_estimate_is_the_difference_of_the_two_aucs() -> None:
    labels, users, dense, candidate = simulate(1, 300, 3)
    found = intervals.paired_difference(labels, users, dense, candidate, seed=0, rounds=20)
    expected = auc(labels, candidate) - auc(labels, dense)  # type: ignore[operator]
    assert found is not None
    assert found.estimate == pytest.approx(expected, abs=1e-12)


def test_its_error_agrees_with_delong_where_every_user_has_one_row() -> None:
    labels, users, dense, candidate = simulate(2, 3000, 1)
    found = intervals.paired_difference(labels, users, dense, candidate, seed=0)
    assert found is not None
    assert found.standard_error == pytest.approx(delong_error(labels, dense, candidate), rel=0.08)


def test_its_error_agrees_with_obuchowski_where_users_have_many_rows() -> None:
    labels, users, dense, candidate = simulate(3, 300, 20, noise=1.5)
    found = intervals.paired_difference(labels, users, dense, candidate, seed=0)
    clustered = clustered_error(labels, users, dense, candidate)
    assert found is not None
    assert found.standard_error == pytest.approx(clustered, rel=0.08)
    assert delong_error(labels, dense, candidate) < 0.8 * clustered  # so that this test has power


def test_ties_weigh_half_in_every_resample() -> None:
    labels, users, dense, candidate = simulate(4, 400, 4)
    dense, candidate = np.round(dense), np.round(candidate)
    found = intervals.paired_difference(labels, users, dense, candidate, seed=0)
    assert found is not None
    expected = clustered_error(labels, users, dense, candidate)
    assert found.standard_error == pytest.approx(expected, rel=0.08)


def test_a_resample_is_the_auc_of_the_repeated_rows() -> None:
    labels, users, dense, _ = simulate(5, 40, 3)
    dense = np.round(dense * 2)
    counts = np.random.default_rng(0).integers(0, 4, (40, 6)).astype(np.float32)
    found = WeightedAuc(labels, users, dense)(counts)
    for column, value in zip(counts.T, found, strict=True):
        repeated = np.repeat(np.arange(len(labels)), column[users].astype(int))
        assert value == pytest.approx(auc(labels[repeated], dense[repeated]), abs=1e-6)


def test_every_resample_draws_as_many_users_as_there_are() -> None:
    chunks = list(intervals._resamples(users=50, rounds=23, chunk=10, seed=1))
    assert [c.shape for c in chunks] == [(50, 10), (50, 10), (50, 3)]
    assert all((c.sum(axis=0) == 50).all() for c in chunks)


def test_the_same_seed_gives_the_same_error_and_another_does_not() -> None:
    labels, users, dense, candidate = simulate(6, 200, 2)
    errors = [
        intervals.paired_difference(labels, users, dense, candidate, seed, rounds=50)
        for seed in (1, 1, 2)
    ]
    assert errors[0] == errors[1] != errors[2]


def test_equal_scores_have_no_error() -> None:
    labels, users, dense, _ = simulate(7, 100, 2)
    assert intervals.paired_difference(labels, users, dense, dense, 0, 50) == Difference(0.0, 0.0)


def test_one_class_gives_no_difference() -> None:
    scores = np.array([0.1, 0.2], np.float32)
    assert intervals.paired_difference(np.ones(2, np.int8), np.arange(2), scores, scores, 0) is None


def test_the_lower_bound_holds_as_often_as_it_says() -> None:
    truth = np.mean([_true_difference(seed) for seed in range(6)])
    held = 0
    for seed in range(300):
        labels, users, dense, candidate = simulate(1000 + seed, 150, 3, shift=0.3)
        found = intervals.paired_difference(labels, users, dense, candidate, seed, rounds=150)
        assert found is not None
        held += intervals.bounds(found, 0.95).low <= truth
    assert 0.91 <= held / 300 <= 0.985  # 0.95 +- three standard errors of 300 trials


def _true_difference(seed: int) -> float:
    labels, _, dense, candidate = simulate(90_000 + seed, 60_000, 3, shift=0.3)
    return auc(labels, candidate) - auc(labels, dense)  # type: ignore[operator]


def test_bounds_are_one_sided_and_symmetric() -> None:
    found = intervals.bounds(Difference(-0.01, 0.002), 0.95)
    assert found.low == pytest.approx(-0.01 - 1.6449 * 0.002, abs=1e-6)
    assert found.high == pytest.approx(-0.01 + 1.6449 * 0.002, abs=1e-6)


@pytest.mark.parametrize(("comparisons", "expected"), [(0, 0.95), (1, 0.95), (10, 0.995)])
def test_bonferroni_shares_the_risk(comparisons: int, expected: float) -> None:
    assert intervals.bonferroni(0.95, comparisons) == pytest.approx(expected)


def test_an_equal_candidate_passes_the_supported_margin_four_times_of_five() -> None:
    error, confidence = 0.003, 0.99
    margin = intervals.supported_margin(Difference(-0.5, error), confidence)
    estimates = np.random.default_rng(0).normal(0, error, 200_000)
    passes = estimates - NormalDist().inv_cdf(confidence) * error >= -margin
    assert passes.mean() == pytest.approx(0.8, abs=0.005)

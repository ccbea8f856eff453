"""Claims about the interval of a difference: its error against closed forms, and its bounds."""

from statistics import NormalDist

import numpy as np
import pytest
from pydantic import ValidationError
from scipy import stats

from bench.judgement.simulated_rows import simulate, zipf
from secateur.auc import Scores, auc
from secateur.contracts.judgement import METRICS, Difference
from secateur.judgement.intervals import bounds
from secateur.judgement.intervals.clusters import spread_of
from secateur.judgement.intervals.differences import differences
from secateur.judgement.metrics.scored_rows import JudgedRows
from secateur.judgement.metrics.user_order import UserOrder
from secateur.scenario import Judgement

Sample = tuple[JudgedRows, Scores, Scores]


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


def sample(seed: int, users: int, rows_a_user: int, by_user: float = 0.0) -> Sample:
    """Every row has an item of its own."""
    n = users * rows_a_user
    codes = np.repeat(np.arange(users), rows_a_user)
    return simulate(seed, codes, np.arange(n), by_user=by_user, shift=0.4)


def auc_difference(given: Sample, seed: int = 0, rounds: int = 1000) -> Difference:
    rows, dense, candidate = given
    return differences(rows, dense, [candidate], seed, rounds)[0]["auc"]


def test_the_estimate_is_the_difference_of_the_two_aucs() -> None:
    rows, dense, candidate = given = sample(1, 300, 3)
    expected = auc(rows.labels, candidate) - auc(rows.labels, dense)  # type: ignore[operator]
    assert auc_difference(given, rounds=20).estimate == pytest.approx(expected, abs=1e-12)


def test_a_relative_difference_is_a_share_of_dense() -> None:
    rows, dense, candidate = sample(1, 300, 3)
    found = differences(rows, dense, [candidate], 0, 20)[0]["log_loss"]
    losses = [-np.log(np.where(rows.labels == 1, p, 1 - p)).mean() for p in (dense, candidate)]
    assert found.estimate == pytest.approx(losses[1] / losses[0] - 1, rel=1e-5)


def test_its_error_agrees_with_delong_where_every_row_stands_alone() -> None:
    rows, dense, candidate = given = sample(2, 3000, 1)
    found, expected = auc_difference(given), delong_error(rows.labels, dense, candidate)
    assert found.closed_form_error == pytest.approx(expected, rel=0.002)
    assert found.resampled_error == pytest.approx(expected, rel=0.08)
    assert found.standard_error == max(found.closed_form_error, found.resampled_error or 0)


def test_its_error_agrees_with_obuchowski_where_users_have_many_rows() -> None:
    rows, dense, candidate = given = sample(3, 300, 20, by_user=1.5)
    found = auc_difference(given)
    clustered = clustered_error(rows.labels, rows.users, dense, candidate)
    assert found.closed_form_error == pytest.approx(clustered, rel=0.02)
    assert found.resampled_error == pytest.approx(clustered, rel=0.08)
    assert delong_error(rows.labels, dense, candidate) < 0.8 * clustered  # so this test has power


def test_ties_weigh_half_in_every_resample() -> None:
    rows, dense, candidate = sample(4, 400, 4)
    dense, candidate = np.round(5 * dense) / 5, np.round(5 * candidate) / 5
    expected = clustered_error(rows.labels, rows.users, dense, candidate)
    found = auc_difference((rows, dense, candidate))
    assert found.resampled_error == pytest.approx(expected, rel=0.08)


def test_users_and_items_may_change_places() -> None:
    rng = np.random.default_rng(5)
    users, items = rng.integers(0, 200, 3000), zipf(rng, 100, 3000)
    rows, dense, candidate = simulate(6, users, items, by_user=0.7, by_item=0.7)
    turned = JudgedRows(rows.labels, rows.items, rows.users, rows.moments)
    for given in (rows, turned):
        found = differences(given, dense, [candidate], 0, 200)[0]["auc"]
        other = clustered_error(rows.labels, rows.users, dense, candidate)
        assert found.standard_error > 1.3 * other  # what users alone would tell
    influence = rng.normal(size=3000)
    first, second = (spread_of(one.order, influence) for one in (rows, turned))
    assert first == pytest.approx(second)


def test_many_candidates_are_told_what_each_alone_is() -> None:
    rows, dense, candidate = sample(7, 100, 3)
    together = differences(rows, dense, [candidate, dense, 1 - dense], 3, 40)
    assert together[0] == differences(rows, dense, [candidate], 3, 40)[0]
    assert together[2] == differences(rows, dense, [1 - dense], 3, 40)[0]


def test_the_same_seed_gives_the_same_error_and_another_does_not() -> None:
    given = sample(6, 200, 2)
    errors = [auc_difference(given, seed, rounds=50).resampled_error for seed in (1, 1, 2)]
    assert errors[0] == errors[1] != errors[2]


def test_equal_scores_have_no_error() -> None:
    rows, dense, _ = sample(7, 100, 20)
    for name, found in differences(rows, dense, [dense], 0, 50)[0].items():
        assert (found.estimate, found.standard_error) == (0.0, 0.0), name


def test_one_class_has_no_ranking_to_compare() -> None:
    rows, dense, candidate = sample(8, 10, 2)
    ones = JudgedRows(np.ones(20, np.int8), rows.users, rows.items, rows.moments)
    found = differences(ones, dense, [candidate], 0, 50)[0]
    assert set(found) == {"log_loss", "calibration", "calibration_error", "churn"}


def test_the_effective_number_is_that_of_equal_groups() -> None:
    order = UserOrder.of(np.repeat([4, 9], [30, 10]), np.arange(40) % 8)
    assert order.items.effective == pytest.approx(8)
    assert order.users.effective == pytest.approx(1 / (0.75**2 + 0.25**2))


def test_few_users_widen_a_bound() -> None:
    many, few = (auc_difference(sample(9, users, 3000 // users, 3.0), rounds=50)
                 for users in (300, 6))  # fmt: skip
    assert bounds.reach(many, 0.95) < 1.7
    assert bounds.reach(few, 0.95) > 1.85
    rows = sample(9, 6, 500, 3.0)[0]
    positives, negatives = (np.bincount(rows.users[rows.labels == y]) for y in (1, 0))
    scarcer = min(n.sum() ** 2 / (n**2).sum() for n in (positives, negatives))
    assert few.effective_users == pytest.approx(scarcer)
    assert few.effective_users < 6


@pytest.mark.parametrize("freedom", [1.0, 2.5, 7.0, 60.0, 4000.0, 1e4, 9e5, 1e6])
@pytest.mark.parametrize("probability", [0.8, 0.95, 0.995, 0.9999, 1 - 1e-6])
def test_quantiles_are_students(freedom: float, probability: float) -> None:
    found = bounds.student_quantile(probability, freedom)
    assert found == pytest.approx(stats.t.isf(1 - probability, freedom), rel=1e-5)


@pytest.mark.parametrize("probability", [1 - 1e-14, 1.0, 2.0, float("nan")])
def test_a_confidence_of_which_nothing_is_left_is_an_error(probability: float) -> None:
    with pytest.raises(ValueError, match="too near to 1"):
        bounds.student_quantile(probability, 7.0)
    with pytest.raises(ValidationError):
        Judgement(margin=0.01, confidence=probability)


def test_bounds_are_one_sided_and_of_students_reach() -> None:
    found = bounds.bounds(Difference(-0.01, 0.002, degrees_of_freedom=9.0), 0.95)
    assert found.low == pytest.approx(-0.01 - 1.8331 * 0.002, abs=1e-6)
    assert found.high == pytest.approx(-0.01 + 1.8331 * 0.002, abs=1e-6)


def test_skewness_moves_the_bound_that_it_endangers_and_no_other() -> None:
    plain, skewed = Difference(0, 1), Difference(0, 1, skewness=-0.6, error_skewness=-0.6)
    low, high = bounds.reach(skewed, 0.95), bounds.reach(skewed, 0.95, upper=True)
    z = NormalDist().inv_cdf(0.95)
    assert low == pytest.approx(z + 0.6 * (2 * z * z + 1) / 6)  # Johnson's, where both are one
    assert high == pytest.approx(bounds.reach(plain, 0.95)) == pytest.approx(z)


@pytest.mark.parametrize(("comparisons", "expected"), [(0, 0.95), (1, 0.95), (10, 0.995)])
def test_bonferroni_shares_the_risk(comparisons: int, expected: float) -> None:
    assert bounds.bonferroni(0.95, comparisons) == pytest.approx(expected)


def test_an_equal_candidate_passes_the_supported_margin_four_times_of_five() -> None:
    error, confidence = 0.003, 0.99
    margin = bounds.supported_margin(Difference(-0.5, error), confidence)
    estimates = np.random.default_rng(0).normal(0, error, 200_000)
    passes = estimates - NormalDist().inv_cdf(confidence) * error >= -margin
    assert passes.mean() == pytest.approx(0.8, abs=0.005)


def test_every_metric_has_an_interval() -> None:
    rows, dense, candidate = sample(10, 40, 15)
    assert set(differences(rows, dense, [candidate], 0, 20)[0]) == {one.name for one in METRICS}

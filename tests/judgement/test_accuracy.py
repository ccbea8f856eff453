"""Claims about the point measures, against counting pairs and against the formulas by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from secateur.auc import auc
from secateur.judgement import accuracy

few_scores = st.sampled_from([0.0, 0.1, 0.25, 0.9, 1.0])  # so that ties abound
rows = st.lists(
    st.tuples(st.integers(0, 1), st.integers(0, 3), few_scores), min_size=1, max_size=40
)


def arrays(drawn: list[tuple[int, int, float]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    labels, users, scores = zip(*drawn, strict=True)
    return np.array(labels, np.int8), np.array(users), np.array(scores, np.float32)


def pairs_won(labels: np.ndarray, scores: np.ndarray) -> float | None:
    """AUC by its definition: every (positive, negative) pair, a tie counting half."""
    won = [
        (p > n) + (p == n) / 2 for p in scores[labels == 1] for n in scores[labels == 0]
    ]  # fmt: skip
    return float(np.mean(won)) if won else None


@given(rows)
def test_auc_is_the_share_of_pairs_ranked_rightly(drawn: list[tuple[int, int, float]]) -> None:
    labels, _, scores = arrays(drawn)
    assert auc(labels, scores) == pytest.approx(pairs_won(labels, scores), abs=1e-12)


@given(rows)
def test_gauc_is_the_row_weighted_mean_of_each_users_pairs(
    drawn: list[tuple[int, int, float]],
) -> None:
    labels, users, scores = arrays(drawn)
    each = {u: pairs_won(labels[users == u], scores[users == u]) for u in set(users.tolist())}
    counted = {u: a for u, a in each.items() if a is not None}
    weights = [np.sum(users == u) for u in counted]
    expected = float(np.average(list(counted.values()), weights=weights)) if counted else None
    found = accuracy.gauc(labels, users, scores)
    assert found.value == pytest.approx(expected, abs=1e-12)
    assert found.one_class_users == len(each) - len(counted)


def test_auc_of_one_class_is_undefined() -> None:
    ones, scores = np.ones(3, np.int8), np.array([0.1, 0.2, 0.3], np.float32)
    assert auc(ones, scores) is None
    assert accuracy.normalized_entropy(ones, scores) is None
    assert accuracy.calibration(0 * ones, scores) is None


def test_measures_of_four_rows_by_hand() -> None:
    labels = np.array([1, 0, 1, 0], np.int8)
    scores = np.array([0.8, 0.4, 0.6, 0.2], np.float32)
    found = accuracy.measure(labels, np.array([7, 7, 7, 9]), scores)
    loss = -(math.log(0.8) + math.log(0.6) + math.log(0.6) + math.log(0.8)) / 4
    assert found.log_loss == pytest.approx(loss, abs=1e-7)
    assert found.normalized_entropy == pytest.approx(loss / math.log(2), abs=1e-7)
    assert found.calibration == pytest.approx(1.0, abs=1e-7)
    assert (found.rows, found.users, found.one_class_users) == (4, 2, 1)
    assert (found.auc, found.gauc) == (1.0, 1.0)


def test_always_predicting_the_base_rate_has_entropy_one_and_calibration_one() -> None:
    labels = np.array([1, 0, 0, 0], np.int8)
    scores = np.full(4, 0.25, np.float32)
    assert accuracy.normalized_entropy(labels, scores) == pytest.approx(1.0)
    assert accuracy.calibration(labels, scores) == pytest.approx(1.0)
    assert auc(labels, scores) == 0.5


def test_a_certain_mistake_has_a_finite_loss() -> None:
    found = accuracy.log_loss(np.array([1, 0], np.int8), np.array([0.0, 1.0], np.float32))
    assert found == pytest.approx(-math.log(accuracy.SMALLEST))

"""The one AUC against scikit-learn's, with ties, one class, and weights."""

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from secateur.auc import auc, auc_within, placements


def rows(
    seed: int, count: int = 5000, levels: int = 40
) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Labels and scores with a signal, of which many are tied."""
    random = np.random.default_rng(seed)
    labels = (random.random(count) < 0.3).astype(np.int8)
    scores = np.round(levels * (0.2 * labels + random.random(count))) / levels
    return labels, scores.astype(np.float32)


@pytest.mark.parametrize("levels", [2, 40, 10**6])
def test_auc_is_that_of_scikit_learn(levels: int) -> None:
    labels, scores = rows(levels, levels=levels)
    expected = roc_auc_score(labels, scores)
    assert auc(labels, scores) == pytest.approx(expected, abs=1e-12)
    assert auc(labels.astype(np.float32), scores) == pytest.approx(expected, abs=1e-12)
    assert 0.55 < expected < 0.95


def test_a_group_has_the_auc_of_its_own_rows() -> None:
    labels, scores = rows(3)
    groups = np.random.default_rng(4).integers(10, 60, len(labels))
    labels[groups == 10] = 1
    areas, sizes = auc_within(labels, groups, scores)
    assert np.isnan(areas[0])
    for group, area, size in zip(np.unique(groups)[1:], areas[1:], sizes[1:], strict=True):
        of_group = groups == group
        assert size == of_group.sum()
        expected = roc_auc_score(labels[of_group], scores[of_group])
        assert area == pytest.approx(expected, abs=1e-12)


def test_a_placement_is_the_share_of_the_other_class_on_its_right_side() -> None:
    labels, scores = rows(5, count=300)
    groups = np.random.default_rng(6).integers(0, 5, len(labels))
    found = placements(labels, groups, scores)
    for row in range(len(labels)):
        others = scores[(groups == groups[row]) & (labels != labels[row])]
        below = np.mean((others < scores[row]) + (others == scores[row]) / 2)
        assert found[row] == pytest.approx(below if labels[row] else 1 - below, abs=1e-12)


def test_without_both_classes_there_is_none() -> None:
    none = np.zeros(0, np.float32)
    assert auc(none, none) is None
    assert auc(np.ones(3, np.int8), np.arange(3, dtype=np.float32)) is None
    assert np.isnan(placements(np.ones(2, np.int8), np.zeros(2, np.int64), np.zeros(2))).all()

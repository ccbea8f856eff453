"""The area under the ROC curve, as training, judgement and the bootstrap all compute it.

It is the share of (positive, negative) pairs of rows whose positive has the higher score, a tie
counting half: the Mann-Whitney statistic (Hanley & McNeil, Radiology 143, 1982).
"""

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.generic]  # of 0 and 1, int8 or float32
Scores = NDArray[np.float32]
Groups = NDArray[np.int64]
Weights = NDArray[np.float32]  # exact up to 16 million rows


def auc(labels: Labels, scores: Scores) -> float | None:
    """AUC of `scores` [n] for `labels` [n], exact; None where one class is absent."""
    areas, _ = auc_within(labels, np.zeros(len(labels), np.int64), scores)
    return float(areas[0]) if len(areas) and not np.isnan(areas[0]) else None


def auc_within(
    labels: Labels, groups: Groups, scores: Scores
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """AUC and rows of every group [g], in the order of the groups' codes; all three are [n].

    A group whose rows are all of one class has the AUC NaN.
    """
    known, of_row = np.unique(groups, return_inverse=True)
    ranks = _midranks_within(of_row, scores)
    positive = labels == 1
    rows = np.bincount(of_row, minlength=len(known))
    positives = np.bincount(of_row[positive], minlength=len(known))
    rank_sums = np.bincount(of_row[positive], ranks[positive], minlength=len(known))
    pairs = positives * (rows - positives)
    won = rank_sums - positives * (positives + 1) / 2
    return np.divide(won, pairs, out=np.full(len(known), np.nan), where=pairs > 0), rows


def _midranks_within(groups: Groups, scores: Scores) -> NDArray[np.float64]:
    """Rank [n] of each row by score among the rows of its group, from 1; ties share their mean."""
    order = np.lexsort((scores, groups))
    sorted_groups, sorted_scores = groups[order], scores[order]
    new_group = np.diff(sorted_groups, prepend=-1) != 0
    new_value = new_group | (np.diff(sorted_scores, prepend=np.nan) != 0)
    starts = np.flatnonzero(new_value)
    ends = np.append(starts[1:], len(order))
    run = np.cumsum(new_value) - 1
    group_start = np.flatnonzero(new_group)[np.cumsum(new_group) - 1]
    ranks = np.empty(len(order))
    ranks[order] = ((starts + ends + 1) / 2)[run] - group_start
    return ranks


class WeightedAuc:
    """AUC of one model's scores under many weightings of users, for the bootstrap.

    Rows are sorted once: a resample of users only changes how much their rows weigh. `labels`,
    `users` (codes from 0) and `scores` are [n].
    """

    def __init__(self, labels: Labels, users: Groups, scores: Scores) -> None:
        negative, positive = np.flatnonzero(labels == 0), np.flatnonzero(labels == 1)
        negative = negative[np.argsort(scores[negative], kind="stable")]
        self.negative_users, self.positive_users = users[negative], users[positive]
        self.below = np.searchsorted(scores[negative], scores[positive], "left")
        self.not_above = np.searchsorted(scores[negative], scores[positive], "right")

    def __call__(self, weights: Weights) -> NDArray[np.float64]:
        """AUC [rounds] where the rows of user u weigh weights[u, round]; NaN without a class."""
        negatives = np.zeros((len(self.negative_users) + 1, weights.shape[1]), weights.dtype)
        np.cumsum(weights[self.negative_users], axis=0, out=negatives[1:])
        positives = weights[self.positive_users]
        beaten = negatives[self.below] + negatives[self.not_above]
        won = (positives * beaten).sum(axis=0, dtype=np.float64) / 2
        pairs = positives.sum(axis=0, dtype=np.float64) * negatives[-1]
        with np.errstate(invalid="ignore"):
            return np.asarray(won / pairs, np.float64)

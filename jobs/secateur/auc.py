"""The area under the ROC curve, as training and judgement compute it.

It is the share of (positive, negative) pairs of rows whose positive has the higher score, a tie
counting half: the Mann-Whitney statistic (Hanley & McNeil, Radiology 143, 1982).
"""

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.generic]  # of 0 and 1, int8 or float32
Scores = NDArray[np.float32]
Groups = NDArray[np.int64]


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
    ranks = _midranks_within(of_row, _ranks(scores))
    positive = labels == 1
    rows = np.bincount(of_row, minlength=len(known))
    positives = np.bincount(of_row[positive], minlength=len(known))
    rank_sums = np.bincount(of_row[positive], ranks[positive], minlength=len(known))
    pairs = positives * (rows - positives)
    won = rank_sums - positives * (positives + 1) / 2
    return np.divide(won, pairs, out=np.full(len(known), np.nan), where=pairs > 0), rows


def _ranks(scores: Scores) -> Groups:
    """Numbers [n] from 0 that order as the scores do."""
    return np.unique(scores, return_inverse=True)[1]


def _midranks_within(groups: Groups, scores: Groups) -> NDArray[np.float64]:
    """Rank [n] of each row by score among the rows of its group, from 1; ties share their mean."""
    values = int(scores.max(initial=0)) + 1
    keys = groups.astype(np.int64) * values + scores  # one key sorts twice as fast
    order = np.argsort(keys)
    new_group = np.diff(groups[order], prepend=-1) != 0
    new_value = np.diff(keys[order], prepend=-1) != 0
    starts = np.flatnonzero(new_value)
    ends = np.append(starts[1:], len(order))
    run = np.cumsum(new_value) - 1
    group_start = np.flatnonzero(new_group)[np.cumsum(new_group) - 1]
    ranks = np.empty(len(order))
    ranks[order] = ((starts + ends + 1) / 2)[run] - group_start
    return ranks


def placements(labels: Labels, groups: Groups, scores: Scores) -> NDArray[np.float64]:
    """For each row [n] the share of its group's rows of the other class on the right side of it.

    Below a positive, above a negative; a tie counts half. NaN where its group has one class. Their
    mean over a group's positives, or over its negatives, is its AUC (DeLong et al. 1988).
    """
    _, of_row = np.unique(groups, return_inverse=True)
    positive = labels == 1
    ranked = _ranks(scores)
    ranks = _midranks_within(of_row, ranked)
    ranks_in_class = _midranks_within(2 * of_row + positive, ranked)
    sizes = np.bincount(2 * of_row + positive, minlength=2 * int(of_row.max(initial=-1)) + 2)
    others = sizes[2 * of_row + ~positive]
    below = np.divide(
        ranks - ranks_in_class, others, out=np.full(len(ranks), np.nan), where=others > 0
    )
    return np.asarray(np.where(positive, below, 1 - below), np.float64)

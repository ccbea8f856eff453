"""Point measures of predicted probabilities against binary labels."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from secateur.auc import Scores, auc, auc_within
from secateur.contracts.judgement import Accuracy

BinaryLabels = NDArray[np.int8]
Users = NDArray[np.signedinteger]

SMALLEST = 1e-7  # float32 scores may be exactly 0 or 1; below this a log-loss tells nothing


class GroupedAuc(NamedTuple):
    """GAUC and the number of users left out of it, whose rows are all of one class."""

    value: float | None
    one_class_users: int


@dataclass
class PointSums:
    """What the point measures are worked out from, summed as blocks of whole users come in."""

    rows: int = 0
    users: int = 0
    positives: int = 0
    loss: float = 0.0
    score: float = 0.0
    areas: float = 0.0  # AUC of each user, times the user's rows
    ranked: int = 0
    one_class_users: int = 0

    def add(self, labels: BinaryLabels, users: Users, scores: Scores) -> None:
        """Add a block of rows [n]; `users` are codes, any integers."""
        areas, rows = auc_within(labels, users, scores)
        both = ~np.isnan(areas)
        self.rows += len(labels)
        self.users += len(areas)
        self.positives += int(np.sum(labels == 1))
        self.loss += float(np.sum(losses(labels, scores)))
        self.score += float(np.sum(scores, dtype=np.float64))
        self.areas += float(areas[both] @ rows[both])
        self.ranked += int(rows[both].sum())
        self.one_class_users += int((~both).sum())

    def accuracy(self, area: float | None) -> Accuracy:
        """Every measure; `area` is the AUC of all rows."""
        log_loss, rate = self.loss / self.rows, self.positives / self.rows
        return Accuracy(
            rows=self.rows,
            users=self.users,
            one_class_users=self.one_class_users,
            auc=area,
            gauc=self.areas / self.ranked if self.ranked else None,
            log_loss=log_loss,
            normalized_entropy=log_loss / entropy(rate) if 0 < rate < 1 else None,
            calibration=self.score / self.positives if self.positives else None,
            positives=self.positives,
        )


def measure(labels: BinaryLabels, users: Users, scores: Scores) -> Accuracy:
    """Every measure on one set of rows [n]; `users` are codes, any integers."""
    sums = PointSums()
    sums.add(labels, users, scores)
    return sums.accuracy(auc(labels, scores))


def gauc(labels: BinaryLabels, users: Users, scores: Scores) -> GroupedAuc:
    """AUC within each user, averaged with the user's rows as weight (Zhu et al. 2017, DIN).

    Users whose rows are all of one class have no AUC: they are left out, and counted.
    """
    areas, rows = auc_within(labels, users, scores)
    both = ~np.isnan(areas)
    if not both.any():
        return GroupedAuc(None, len(areas))
    return GroupedAuc(float(np.average(areas[both], weights=rows[both])), int((~both).sum()))


def log_loss(labels: BinaryLabels, scores: Scores) -> float:
    """Mean negative log-likelihood in nats."""
    return float(np.mean(losses(labels, scores)))


def losses(labels: BinaryLabels, scores: Scores) -> NDArray[np.float64]:
    """Negative log-likelihood in nats of each row [n]."""
    p = np.clip(scores.astype(np.float64), SMALLEST, 1 - SMALLEST)
    return -np.where(labels == 1, np.log(p), np.log1p(-p))


def normalized_entropy(labels: BinaryLabels, scores: Scores) -> float | None:
    """Log-loss over that of always predicting the base rate (He et al. 2014); below 1 is useful.

    None when one class is absent.
    """
    rate = float(np.mean(labels))
    if rate in (0.0, 1.0):
        return None
    return log_loss(labels, scores) / entropy(rate)


def entropy(rate: float) -> float:
    """Log-loss in nats of always predicting a base rate between 0 and 1."""
    return -(rate * math.log(rate) + (1 - rate) * math.log1p(-rate))


def calibration(labels: BinaryLabels, scores: Scores) -> float | None:
    """Mean predicted over mean observed probability; None without a positive."""
    observed = float(np.mean(labels))
    return float(np.mean(scores, dtype=np.float64)) / observed if observed else None

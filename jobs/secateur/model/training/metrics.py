"""How well logits rank and predict, on torch tensors: what training watches on its holdout."""

import torch
from torch import Tensor
from torch.nn import functional


def auc(logits: Tensor, labels: Tensor) -> float:
    """Area under the ROC curve of `logits` [rows] for `labels` [rows] of 0 and 1.

    The Mann-Whitney statistic with mean ranks for ties (Hanley & McNeil 1982); 0.5 where one
    class is absent.
    """
    _, place, ties = torch.unique(logits, return_inverse=True, return_counts=True)
    last = torch.cumsum(ties, 0).double()
    mean_rank = last - (ties - 1) / 2
    positives = labels.double().sum()
    negatives = len(labels) - positives
    if positives == 0 or negatives == 0:
        return 0.5
    above = (mean_rank[place] * labels).sum() - positives * (positives + 1) / 2
    return float(above / (positives * negatives))


def log_loss(logits: Tensor, targets: Tensor) -> float:
    """Mean cross-entropy in nats of `logits` [rows] against probabilities `targets` [rows]."""
    return float(functional.binary_cross_entropy_with_logits(logits.double(), targets.double()))


def task_losses(logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """Cross-entropy [outputs] of `logits` [rows, outputs], times `weights`, summed over rows.

    A target that is NaN is not known: that row has no say in that output's loss.
    """
    known = ~targets.isnan()
    return functional.binary_cross_entropy_with_logits(
        logits, targets.nan_to_num(), weight=known * weights, reduction="none"
    ).sum(0)

"""How well logits rank and predict, on torch tensors: what training evaluates on its holdout."""

from torch import Tensor
from torch.nn import functional

from secateur.auc import auc


def logit_auc(logits: Tensor, labels: Tensor) -> float:
    """AUC (`secateur.auc`) of `logits` [rows] for `labels` [rows] of 0 and 1, both on the CPU.

    0.5 where one class is absent.
    """
    area = auc(labels.numpy(), logits.numpy())
    return 0.5 if area is None else area


def logit_loss(logits: Tensor, targets: Tensor) -> float:
    """Mean cross-entropy in nats of `logits` [rows] against probabilities `targets` [rows]."""
    return float(functional.binary_cross_entropy_with_logits(logits.double(), targets.double()))


def task_losses(logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """Cross-entropy in nats [outputs], each output times its weight, summed over rows.

    `logits` and `targets` are [rows, outputs], `weights` [outputs], all float32. A target that is
    NaN is unknown and adds nothing to its output's loss.
    """
    known = ~targets.isnan()
    return functional.binary_cross_entropy_with_logits(
        logits, targets.nan_to_num(), weight=known * weights, reduction="none"
    ).sum(0)

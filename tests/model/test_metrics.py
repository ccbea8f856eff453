import math

import pytest
import torch

from secateur.model.training.metrics import logit_auc, logit_loss


def test_auc_is_the_share_of_pairs_ranked_right_ties_counting_half() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randint(-5, 5, (200,), generator=generator).float()
    labels = torch.randint(0, 2, (200,), generator=generator).float()
    pairs = [
        1.0 if high > low else 0.5 if high == low else 0.0
        for high in logits[labels == 1]
        for low in logits[labels == 0]
    ]
    assert logit_auc(logits, labels) == pytest.approx(sum(pairs) / len(pairs))


def test_auc_of_a_single_class_is_a_half() -> None:
    assert logit_auc(torch.randn(5), torch.ones(5)) == 0.5


def test_log_loss_is_the_mean_cross_entropy() -> None:
    logits, targets = torch.tensor([0.3, -2.0]), torch.tensor([1.0, 0.25])
    expected = 0.0
    for z, t in zip((0.3, -2.0), (1.0, 0.25), strict=True):
        p = 1 / (1 + math.exp(-z))
        expected -= (t * math.log(p) + (1 - t) * math.log(1 - p)) / 2
    assert logit_loss(logits, targets) == pytest.approx(expected, rel=1e-6)

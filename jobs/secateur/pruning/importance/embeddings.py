"""Importance of table rows, one tensor [rows - 1] a counted block, and of embedding dimensions."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from secateur.model.architectures.recommender import Recommender
from secateur.pruning.importance import fields
from secateur.pruning.importance.neurons import contraharmonic
from secateur.pruning.units.calibration import Evidence


def row_frequency(model: Recommender, evidence: Evidence) -> tuple[Tensor, ...]:
    """How often training saw the value: OOV is not prunable, nor are blocks without counts."""
    counted = zip(evidence.counts, model.spec.rows, strict=True)
    return tuple(
        torch.from_numpy(counts[:-1].astype(np.float64)) if counts is not None else _all(height)
        for counts, height in counted
    )


def row_frequency_l2(model: Recommender, evidence: Evidence) -> tuple[Tensor, ...]:
    """Frequency times squared Euclidean norm of what the row differs from its block's mean by.

    That is what the block loses where the row becomes the mean, if all weights matter alike.
    """
    return _of_rows(model, evidence, lambda own, seen, _: seen * own.square().sum(dim=1))


def row_fisher(model: Recommender, evidence: Evidence) -> tuple[Tensor, ...]:
    """Frequency times the squared differences from the block's mean, each by how much it matters.

    To second order that is twice what the loss rises by where the row becomes the mean, with the
    diagonal of the empirical Fisher matrix for the Hessian ("Optimal brain damage", LeCun et al.,
    NIPS 1989). The gradients are the sample's, by each dimension of what an input becomes.
    """
    matters = fields.squared_gradients(model, evidence)
    return _of_rows(
        model, evidence, lambda own, seen, block: seen * (own.square() @ matters[block])
    )


def row_weight_importance(model: Recommender, evidence: Evidence) -> tuple[Tensor, ...]:
    """Contraharmonic mean of the row's absolute values."""
    tables = _tables(model)
    return tuple(
        contraharmonic(tables[start : start + height - 1], 1)
        if counts is not None
        else _all(height)
        for start, height, counts in zip(
            model.offset.tolist(), model.spec.rows, evidence.counts, strict=True
        )
    )


def _of_rows(
    model: Recommender, evidence: Evidence, worth: Callable[[Tensor, Tensor, int], Tensor]
) -> tuple[Tensor, ...]:
    """For each block `worth` of its rows' differences from their mean, their counts, its number."""
    tables, scores = _tables(model), []
    for block, (start, height, counts) in enumerate(
        zip(model.offset.tolist(), model.spec.rows, evidence.counts, strict=True)
    ):
        if counts is None:
            scores.append(_all(height))
            continue
        seen = torch.from_numpy(counts.astype(np.float64))
        rows = tables[start : start + height]
        mean = (seen @ rows) / seen.sum().clamp(min=1)
        scores.append(worth(rows - mean, seen, block)[:-1])
    return tuple(scores)


def _tables(model: Recommender) -> Tensor:
    """Embeddings and first-order weights side by side, float64 [rows, dim + 1]."""
    tables = (model.embedding.weight, model.first_order.weight)
    return torch.cat([table.detach().double() for table in tables], dim=1)


def dimension_l1(model: Recommender, _: Evidence) -> tuple[Tensor, ...]:
    """Sum of absolute values of each embedding dimension over all rows, [dim]."""
    return (model.embedding.weight.detach().abs().sum(dim=0),)


def dimension_l2(model: Recommender, _: Evidence) -> tuple[Tensor, ...]:
    """Euclidean norm of each embedding dimension over all rows, [dim]."""
    return (model.embedding.weight.detach().norm(dim=0),)


def dimension_weight_importance(model: Recommender, _: Evidence) -> tuple[Tensor, ...]:
    """Contraharmonic mean of absolute values of each dimension over all rows, [dim]."""
    return (contraharmonic(model.embedding.weight.detach(), 0),)


@torch.no_grad()
def dimension_frequency_l2(model: Recommender, evidence: Evidence) -> tuple[Tensor, ...]:
    """Variance of each dimension over the embeddings that the sample reads, summed over inputs."""
    vectors = model.embed(evidence.sample.inputs).vectors
    return (vectors.var(dim=0, correction=0).sum(dim=0),)


def _all(height: int) -> Tensor:
    """Scores of a block that stays whole."""
    return torch.full((height - 1,), torch.inf, dtype=torch.float64)

"""Importance of table rows, one tensor [rows - 1] a counted block, and of embedding dimensions."""

import numpy as np
import torch
from torch import Tensor

from secateur.model.recommender import Recommender
from secateur.pruning.evidence import Evidence
from secateur.pruning.neurons import contraharmonic


def row_frequency(model: Recommender, evidence: Evidence) -> tuple[Tensor, ...]:
    """How often training saw the value: OOV is not prunable, nor are blocks without counts."""
    counted = zip(evidence.counts, model.spec.rows, strict=True)
    return tuple(
        torch.from_numpy(counts[:-1].astype(np.float64)) if counts is not None else _all(height)
        for counts, height in counted
    )


def row_frequency_l2(model: Recommender, evidence: Evidence) -> tuple[Tensor, ...]:
    """Frequency times squared Euclidean norm of what the row differs from its block's mean by.

    Rows are cut from the rare end of a block, so a row counts as its most important successor.
    """
    embedding = model.embedding.weight.detach().double()
    scores = []
    for start, height, counts in zip(
        model.offset.tolist(), model.spec.rows, evidence.counts, strict=True
    ):
        if counts is None:
            scores.append(_all(height))
            continue
        seen = torch.from_numpy(counts.astype(np.float64))
        rows = embedding[start : start + height]
        mean = (seen @ rows) / seen.sum().clamp(min=1)
        own = (seen * (rows - mean).square().sum(dim=1))[:-1]
        scores.append(own.flip(0).cummax(0).values.flip(0) if len(own) else own)
    return tuple(scores)


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

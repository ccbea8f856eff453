"""Importance of table rows, one tensor [rows - 1] a counted block, and of embedding dimensions."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from secateur.model.architectures.recommender import Recommender
from secateur.pruning.importance import fields
from secateur.pruning.importance.neurons import contraharmonic
from secateur.pruning.units.calibration import CalibrationData


def row_frequency(model: Recommender, calibration: CalibrationData) -> tuple[Tensor, ...]:
    """How often training saw each value, float64 [rows - 1] a block.

    OOV is not prunable, nor are blocks without counts.
    """
    counted = zip(calibration.counts, model.spec.rows, strict=True)
    return tuple(
        torch.from_numpy(counts[:-1].astype(np.float64))
        if counts is not None
        else _infinite_scores(height)
        for counts, height in counted
    )


def row_frequency_l2(model: Recommender, calibration: CalibrationData) -> tuple[Tensor, ...]:
    """Frequency times squared distance from the block's mean row, float64 [rows - 1] a block.

    That is what the block loses where the row becomes the mean, if all weights matter alike.
    """
    return _of_rows(model, calibration, lambda own, seen, _: seen * own.square().sum(dim=1))


def row_fisher(model: Recommender, calibration: CalibrationData) -> tuple[Tensor, ...]:
    """Frequency times the Fisher-weighted squared distance from the block's mean row.

    Float64 [rows - 1] a block. To second order that is twice what the loss rises by where the row
    becomes the mean, with the diagonal of the empirical Fisher matrix for the Hessian ("Optimal
    brain damage", LeCun et al., NIPS 1989). The gradients are the sample's, by each dimension of
    an input's embedding.
    """
    matters = fields.squared_gradients(model, calibration)
    return _of_rows(
        model, calibration, lambda own, seen, block: seen * (own.square() @ matters[block])
    )


def row_weight_importance(model: Recommender, calibration: CalibrationData) -> tuple[Tensor, ...]:
    """Contraharmonic mean of each row's absolute values, float64 [rows - 1] a block."""
    tables = _tables(model)
    return tuple(
        contraharmonic(tables[start : start + height - 1], 1)
        if counts is not None
        else _infinite_scores(height)
        for start, height, counts in zip(
            model.offset.tolist(), model.spec.rows, calibration.counts, strict=True
        )
    )


def _of_rows(
    model: Recommender, calibration: CalibrationData, score: Callable[[Tensor, Tensor, int], Tensor]
) -> tuple[Tensor, ...]:
    """Scores [rows - 1] of each counted block.

    `score` is given its rows' differences from their mean [rows, dim + 1], their counts [rows] and
    the number of the block, and returns scores [rows].
    """
    tables, scores = _tables(model), []
    for block, (start, height, counts) in enumerate(
        zip(model.offset.tolist(), model.spec.rows, calibration.counts, strict=True)
    ):
        if counts is None:
            scores.append(_infinite_scores(height))
            continue
        seen = torch.from_numpy(counts.astype(np.float64))
        rows = tables[start : start + height]
        mean = (seen @ rows) / seen.sum().clamp(min=1)
        scores.append(score(rows - mean, seen, block)[:-1])
    return tuple(scores)


def _tables(model: Recommender) -> Tensor:
    """Embeddings and first-order weights side by side, float64 [rows, dim + 1]."""
    tables = (model.embedding.weight, model.first_order.weight)
    return torch.cat([table.detach().double() for table in tables], dim=1)


def dimension_l1(model: Recommender, _: CalibrationData) -> tuple[Tensor, ...]:
    """Sum of absolute values of each embedding dimension over all rows, [dim]."""
    return (model.embedding.weight.detach().abs().sum(dim=0),)


def dimension_l2(model: Recommender, _: CalibrationData) -> tuple[Tensor, ...]:
    """Euclidean norm of each embedding dimension over all rows, [dim]."""
    return (model.embedding.weight.detach().norm(dim=0),)


def dimension_weight_importance(model: Recommender, _: CalibrationData) -> tuple[Tensor, ...]:
    """Contraharmonic mean of absolute values of each dimension over all rows, [dim]."""
    return (contraharmonic(model.embedding.weight.detach(), 0),)


@torch.no_grad()
def dimension_frequency_l2(model: Recommender, calibration: CalibrationData) -> tuple[Tensor, ...]:
    """Variance of each dimension over the sample's embeddings, summed over inputs, [dim]."""
    vectors = model.embed(calibration.sample.inputs).vectors
    return (vectors.var(dim=0, correction=0).sum(dim=0),)


def _infinite_scores(height: int) -> Tensor:
    """Scores [height - 1] of a block that stays whole."""
    return torch.full((height - 1,), torch.inf, dtype=torch.float64)

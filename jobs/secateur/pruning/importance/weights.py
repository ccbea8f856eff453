"""Importance of every tower weight, one tensor [outputs, inputs] a layer."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from secateur.model.architectures.recommender import Recommender
from secateur.model.architectures.tower import linears_of
from secateur.pruning.importance.neurons import BATCH
from secateur.pruning.units.calibration import CalibrationData


def magnitude(model: Recommender, _: CalibrationData) -> tuple[Tensor, ...]:
    """|w|, float32 [outputs, inputs] a layer (Han et al. 2015)."""
    return tuple(layer.weight.detach().abs() for layer in linears(model))


def weight_taylor(model: Recommender, calibration: CalibrationData) -> tuple[Tensor, ...]:
    """|w * gradient of the loss|, float32 [outputs, inputs] a layer.

    On an untrained model that is SNIP's saliency (Lee et al., ICLR 2019).
    """
    return tuple(
        (layer.weight.detach() * gradient).abs()
        for layer, gradient in zip(linears(model), gradients(model, calibration), strict=True)
    )


def gradients(model: Recommender, calibration: CalibrationData) -> list[Tensor]:
    """Gradients of the sample's mean loss by every tower weight, zeros too: [outputs, inputs]."""
    totals = [torch.zeros_like(layer.weight) for layer in linears(model)]
    sample = calibration.sample
    for inputs, labels in zip(
        sample.inputs.chunks(BATCH), torch.split(sample.labels, BATCH), strict=True
    ):
        loss = functional.binary_cross_entropy_with_logits(model(inputs), labels, reduction="sum")
        found = torch.autograd.grad(loss, [layer.weight for layer in linears(model)])
        totals = [a + b for a, b in zip(totals, found, strict=True)]
    return [total / max(1, len(sample)) for total in totals]


def linears(model: Recommender) -> list[nn.Linear]:
    """Every linear layer of every tower, in order; none where there is no tower."""
    return [layer for tower in model.towers for layer in linears_of(tower.layers)]

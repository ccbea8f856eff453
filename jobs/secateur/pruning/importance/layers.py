"""Importance of hidden layers: how far a layer's outputs are from linear in its inputs.

A layer without its activation is one with the next (Fu et al., ICML 2022, "DepthShrinker"): its
neurons cost nothing from then on.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from secateur.model.architectures.recommender import Recommender
from secateur.model.architectures.registry import groups_of
from secateur.model.architectures.tower import linears_of
from secateur.pruning.units.calibration import CalibrationData


@torch.no_grad()
def linearity(model: Recommender, calibration: CalibrationData) -> tuple[Tensor, ...]:
    """The error of the best line for each neuron's activation, as the next layer weighs it.

    Over the sample, the sum over neurons of the mean squared error times the squared norm of the
    neuron's outgoing weights, [hidden layers]; infinite for a layer that must stay.
    """
    scores = []
    for (before, outgoing), fixed in zip(
        _layers(model, calibration), groups_of(model).may_be_linear(), strict=True
    ):
        slope, offset = best_lines(before)
        missed = torch.relu(before) - (slope * before + offset)
        score = missed.square().mean(dim=0) @ outgoing.square().sum(dim=0)
        scores.append(score if fixed else torch.tensor(torch.inf))
    return (torch.stack(scores) if scores else torch.empty(0),)


def best_lines(before: Tensor) -> tuple[Tensor, Tensor]:
    """Slope and offset [width] that fit relu(x) best by least squares for x in `before` [n, width].

    A neuron that never varies has slope 0.
    """
    exact = before.double()
    after, mean = torch.relu(exact), exact.mean(dim=0)
    centered = exact - mean
    variance = centered.square().mean(dim=0)
    slope = torch.where(variance > 0, (centered * after).mean(dim=0) / variance, 0)
    return slope.float(), (after.mean(dim=0) - slope * mean).float()


def _layers(model: Recommender, calibration: CalibrationData) -> Iterator[tuple[Tensor, Tensor]]:
    """Every hidden layer's outputs before its activation [n, width], and the weights after it."""
    firsts = model.tower_inputs(model.embed(calibration.sample.inputs))
    for tower, first in zip(model.towers, firsts, strict=True):
        x = first
        *hidden, last = linears_of(tower.layers)
        for layer, after, activate in zip(
            hidden, [*hidden[1:], last], tower.activations, strict=True
        ):
            before = layer(x)
            yield before, after.weight
            x = activate(before)

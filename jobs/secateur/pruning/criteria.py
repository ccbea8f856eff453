"""Importance of every unit that pruning may remove: larger is more worth keeping.

Small callables from a model, and what it saw, to one score a unit.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from secateur.model.batches import Split
from secateur.model.recommender import Recommender
from secateur.model.tower import linears_of

BATCH = 4096


def weight_magnitude(model: Recommender) -> tuple[Tensor, ...]:
    """|w| of every tower weight, one [outputs, inputs] a layer (Han et al. 2015)."""
    return tuple(layer.weight.detach().abs() for layer in linears(model))


def neuron_l2(model: Recommender) -> tuple[Tensor, ...]:
    """Euclidean norm of each hidden neuron's incoming weights, one [width] a layer."""
    return tuple(layer.weight.detach().norm(dim=1) for layer in hidden_layers(model))


def neuron_taylor(model: Recommender, split: Split) -> tuple[Tensor, ...]:
    """Sum over samples of |activation * gradient of the loss|, one [width] a hidden layer.

    To first order, how much the loss changes when the neuron is silenced (Molchanov et al.
    2017, eq. 7, summed over samples instead of averaged within).
    """
    totals = [torch.zeros(layer.out_features) for layer in hidden_layers(model)]
    with _Activations(model) as activations:
        for inputs, labels in zip(
            split.inputs.chunks(BATCH), torch.split(split.labels, BATCH), strict=True
        ):
            activations.clear()
            logits = model(inputs)
            loss = functional.binary_cross_entropy_with_logits(logits, labels, reduction="sum")
            gradients = torch.autograd.grad(loss, activations)
            for i, gradient in enumerate(gradients):
                totals[i] += (activations[i].detach() * gradient).abs().sum(dim=0)
    return tuple(totals)


def dimension_l2(model: Recommender) -> Tensor:
    """Euclidean norm of each embedding dimension over all rows, [dim]."""
    norms: Tensor = model.embedding.weight.detach().norm(dim=0)
    return norms


def row_frequency(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """How often each value of a block was seen in training, [rows - 1]: OOV is not prunable."""
    return counts[:-1]


def hidden_layers(model: Recommender) -> list[nn.Linear]:
    """The layers whose outputs are neurons: all but the last of each tower."""
    return [layer for tower in model.towers for layer in linears_of(tower.layers)[:-1]]


def linears(model: Recommender) -> list[nn.Linear]:
    """Every layer of every tower, in order; none where there is no tower."""
    return [layer for tower in model.towers for layer in linears_of(tower.layers)]


class _Activations(list[Tensor]):
    """What enters each layer but the first, forward after forward, while the context is open."""

    def __init__(self, model: Recommender) -> None:
        super().__init__()
        self._readers = [one for tower in model.towers for one in linears_of(tower.layers)[1:]]

    def __enter__(self) -> "_Activations":
        self._hooks = [layer.register_forward_pre_hook(self._keep) for layer in self._readers]
        return self

    def __exit__(self, *error: object) -> None:
        for hook in self._hooks:
            hook.remove()

    def _keep(self, _layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        self.append(inputs[0])

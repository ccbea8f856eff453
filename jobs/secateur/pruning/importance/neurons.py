"""Importance of the hidden neurons of every tower, one tensor [width] a hidden layer."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from secateur.model.architectures.recommender import Recommender
from secateur.model.architectures.tower import linears_of
from secateur.pruning.units.calibration import CalibrationData

BATCH = 4096


def l1(model: Recommender, _: CalibrationData) -> tuple[Tensor, ...]:
    """Sum of absolute incoming weights, [width] a hidden layer (Li et al., ICLR 2017)."""
    return tuple(layer.weight.detach().abs().sum(dim=1) for layer in hidden_layers(model))


def l2(model: Recommender, _: CalibrationData) -> tuple[Tensor, ...]:
    """Euclidean norm of the incoming weights, [width] a hidden layer."""
    return tuple(layer.weight.detach().norm(dim=1) for layer in hidden_layers(model))


def weight_importance(model: Recommender, _: CalibrationData) -> tuple[Tensor, ...]:
    """Contraharmonic mean of absolute incoming weights, sum(w^2) / sum(|w|), [width] a layer.

    On signed weights the formula W = sum(w^2) / sum(w) has a denominator that crosses 0.
    """
    return tuple(contraharmonic(layer.weight.detach(), 1) for layer in hidden_layers(model))


def contribution(model: Recommender, calibration: CalibrationData) -> tuple[Tensor, ...]:
    """Contraharmonic mean of activations, C = sum(y^2) / sum(y), y >= 0; [width] a layer."""
    return tuple(
        torch.where(one.total > 0, one.squares / one.total, 0)
        for one in activity(model, calibration)
    )


def activation_mean(model: Recommender, calibration: CalibrationData) -> tuple[Tensor, ...]:
    """Mean activation, float64 [width] a hidden layer."""
    return tuple(one.total / one.rows for one in activity(model, calibration))


def activation_variance(model: Recommender, calibration: CalibrationData) -> tuple[Tensor, ...]:
    """Variance of the activation, float64 [width]: a neuron that never varies is a bias."""
    return tuple(
        one.squares / one.rows - (one.total / one.rows).square()
        for one in activity(model, calibration)
    )


def taylor(model: Recommender, calibration: CalibrationData) -> tuple[Tensor, ...]:
    """Sum over samples of |activation * gradient of the loss|, [width] a hidden layer.

    To first order, how much the loss changes when the neuron is silenced (Molchanov et al.
    2017, eq. 7, summed over samples instead of averaged within).
    """
    totals = [torch.zeros(layer.out_features) for layer in hidden_layers(model)]
    sample = calibration.sample
    with _Activations(model) as activations:
        for inputs, labels in zip(
            sample.inputs.chunks(BATCH), torch.split(sample.labels, BATCH), strict=True
        ):
            logits = model(inputs)
            loss = functional.binary_cross_entropy_with_logits(logits, labels, reduction="sum")
            gradients = torch.autograd.grad(loss, activations)
            for i, gradient in enumerate(gradients):
                totals[i] += (activations[i].detach() * gradient).abs().sum(dim=0)
    return tuple(totals)


def contraharmonic(values: Tensor, dim: int) -> Tensor:
    """sum(v^2) / sum(|v|) of `values` [..] over `dim`; 0 where all are 0."""
    total = values.abs().sum(dim=dim)
    return torch.where(total > 0, values.square().sum(dim=dim) / total, 0)


@dataclass(frozen=True)
class Activity:
    """Sums over `rows` rows of a layer's activations and of their squares, float64 [width]."""

    rows: int
    total: Tensor
    squares: Tensor


@torch.no_grad()
def activity(model: Recommender, calibration: CalibrationData) -> list[Activity]:
    """The activity of every hidden layer's neurons over the sample."""
    sums = [torch.zeros(2, layer.out_features).double() for layer in hidden_layers(model)]
    with _Activations(model) as activations:
        for inputs in calibration.sample.inputs.chunks(BATCH):
            model(inputs)
            for sum_, values in zip(sums, activations, strict=True):
                sum_.add_(torch.stack([values.double(), values.double().square()]).sum(dim=1))
    return [Activity(len(calibration.sample), total, squares) for total, squares in sums]


def hidden_layers(model: Recommender) -> list[nn.Linear]:
    """The layers whose outputs are neurons: all but the last of each tower."""
    return [layer for tower in model.towers for layer in linears_of(tower.layers)[:-1]]


class _Activations(list[Tensor]):
    """The inputs [rows, width] of each layer but the first in the last forward pass.

    In the order of the towers, whichever of them the model computes first; only while the context
    is open.
    """

    def __init__(self, model: Recommender) -> None:
        readers = [one for tower in model.towers for one in linears_of(tower.layers)[1:]]
        super().__init__(torch.empty(0) for _ in readers)
        self._places: dict[nn.Module, int] = {layer: i for i, layer in enumerate(readers)}

    def __enter__(self) -> "_Activations":
        def keep(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            self[self._places[layer]] = inputs[0]

        self._hooks = [layer.register_forward_pre_hook(keep) for layer in self._places]
        return self

    def __exit__(self, *error: object) -> None:
        for hook in self._hooks:
            hook.remove()

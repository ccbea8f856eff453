"""The integers of a package's layers, as the floats that they stand for.

Each must be the nearest to the model's weight that its layer has, as in `stored_table`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from secateur.model.architectures.recommender import Recommender
from secateur.model.architectures.tower import Tower, linears_of
from secateur.onnx_graph.integer_products import in_units
from secateur.onnx_graph.linear_layers import IntegerLinear, Linear
from secateur.packaging.graph.parts import Parts
from secateur.packaging.graph.take_apart import ACTIVATION_LEVELS
from secateur.packaging.skew.stored_table import Doubles, StoredTable

# Units by which a weight may miss the nearest one. Many units of bias make a layer's units larger;
# what a cluster of weights shares is their mean, as a whole number.
SLACK, SLACK_OF_SHARED = 1.001, 2.001
WIDEST = 16.0


class RoundedReLU(nn.Module):
    """ReLU to whole multiples 0..255 of `step`, as QuantizeLinear does it."""

    def __init__(self, step: float) -> None:
        super().__init__()
        self.step = float(np.float32(step))

    def forward(self, x: Tensor) -> Tensor:
        """Round [batch, neurons]; a half goes to the even neighbour."""
        return (x / self.step).round().clamp(0, ACTIVATION_LEVELS) * self.step

    def margin(self, x: Tensor) -> Tensor:
        """How many steps [batch, neurons] are from being rounded otherwise, each row's least."""
        units = (x / self.step).clamp(0, ACTIVATION_LEVELS)
        return (units - units.floor() - 0.5).abs().amin(1)


def reads_integers(stored: Linear) -> bool:
    """Whether a layer of the tower but the first reads rounded activations."""
    return isinstance(stored, IntegerLinear) and not stored.small


@torch.no_grad()
def wrong_activations(tower: Tower, x: Tensor, parts: Parts) -> dict[str, int]:
    """How many activations of `x` [rows, tower_inputs] lie beyond the range stored for their layer.

    `tower` is the model's own, and `x` are rows that ranges were set by, so that none may. All do
    not fit where the range is more than `WIDEST` times what they reach.
    """
    wrong, followed = {}, zip(linears_of(tower.layers), parts.hidden[1:], strict=False)
    for i, (linear, following) in enumerate(followed):
        x = torch.relu(linear(x))
        largest = float(x.max())
        if reads_integers(following) and largest > 0:
            reach = ACTIVATION_LEVELS * parts.steps[i]
            outside = x > 1.001 * reach if reach <= WIDEST * largest else torch.ones_like(x)
            wrong[f"activations of layer {i} of the tower"] = int(outside.sum())
    return wrong


@dataclass(frozen=True, eq=False)
class StoredLayers:
    """The integer layers in `parts`, for a float64 model that shall have their weights."""

    model: Recommender
    parts: Parts
    shared: bool

    @torch.no_grad()
    def settle(self, table: StoredTable | None) -> dict[str, int]:
        """Give the model the stored weights; count by layer those that are not the nearest."""
        wrong = dict(self._tower(table))
        for place, (weight, stored) in enumerate(self.parts.own.stored_weights(self.model)):
            if isinstance(stored, IntegerLinear):
                wrong[f"weights of layer {place} beside the tower"] = self._store(weight, stored)
        return wrong

    def _tower(self, table: StoredTable | None) -> Iterator[tuple[str, int]]:
        model, spec = self.model, self.model.spec
        layers = zip(linears_of(model.tower.layers), self.parts.hidden, strict=False)
        for i, (linear, stored) in enumerate(layers):
            assert isinstance(stored, IntegerLinear)  # noqa: S101 - of a tower of integers
            name, weight = f"weights of layer {i} of the tower", linear.weight.T
            if i == 0 and table is not None and not self.parts.own.computes_first_layer:
                worth = table.worth(np.arange(len(spec.fields)))[:, :-1].reshape(-1, 1)
                yield name, self._store(weight[: len(worth)], stored, worth)
            elif i == 0 or not reads_integers(stored):
                yield name, self._store(weight, stored)
            else:
                step = self.parts.steps[i - 1]
                integers, scale, bias = in_units(stored, step)
                yield name, self._store(weight, IntegerLinear(integers, scale, stored.bias))
                unit = scale.astype(np.float64) * step
                yield (
                    f"biases of layer {i} of the tower",
                    _store_bias(linear.bias, bias * unit, unit),
                )
                model.tower.activations[i - 1] = RoundedReLU(step)

    def _store(self, weight: Tensor, stored: IntegerLinear, worth: Doubles | float = 1.0) -> int:
        """Replace `weight` [inputs, outputs], whose inputs are units of so much `worth`.

        `worth` is one number or [inputs, 1]. Counts the stored weights that are not the nearest.
        """
        scale, slack = stored.scale.astype(np.float64), SLACK_OF_SHARED if self.shared else SLACK
        wanted = weight.detach().numpy() * worth / scale
        values = np.unique(stored.weight)  # rising: the nearest is the next above or below
        above = np.searchsorted(values, wanted).clip(0, len(values) - 1)
        below = np.maximum(above - 1, 0)
        nearest = np.minimum(np.abs(values[above] - wanted), np.abs(values[below] - wanted))
        far = np.abs(stored.weight - wanted) > nearest + slack
        weight.copy_(torch.from_numpy(stored.weight * scale / worth))
        return int(far.sum())


def _store_bias(bias: Tensor, stored: Doubles, unit: Doubles) -> int:
    """Replace `bias` [outputs] by what is stored; count what is more than half a unit off."""
    wanted = bias.detach().numpy()
    far = np.abs(wanted - stored) > 0.501 * unit + 1e-6 * np.abs(wanted)
    bias.copy_(torch.from_numpy(stored))
    return int(far.sum())

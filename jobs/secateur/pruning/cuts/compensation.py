"""Compensate for a cut by least squares: fit the layers that are left to the dense model's outputs.

He, Zhang & Sun, "Channel pruning for accelerating very deep neural networks" (ICCV 2017, equation
1's reconstruction). Front to back, every tower layer gets the weights that bring its outputs before
activation closest to those of the larger model's layer, given its own new inputs. No label is read
and nothing is trained.
"""

import torch
from torch import Tensor, nn

from secateur.contracts.pruning import PruningPlan
from secateur.model.architectures.recommender import Recommender
from secateur.model.architectures.registry import groups_of
from secateur.model.architectures.tower import linears_of
from secateur.model.data.batches import Split
from secateur.pruning.cuts.compaction import kept_units
from secateur.pruning.units.table_rows import inputs_after_cut

RIDGE = 1e-3  # of the mean squared input; weights are drawn to what they were, not to 0


@torch.no_grad()
def compensate(small: Recommender, larger: Recommender, plan: PruningPlan, sample: Split) -> None:
    """Refit in place the towers of `small`, which `plan` left of `larger`, on a sample for it."""
    if not larger.spec.hidden or not len(sample):
        return
    wanted = _targets(larger, plan, larger.tower_inputs(larger.embed(sample.inputs)))
    inputs = inputs_after_cut(sample.inputs, plan, larger.spec, small.spec)
    firsts = small.tower_inputs(small.embed(inputs))
    for tower, targets, x in zip(small.towers, wanted, firsts, strict=True):
        for layer, target in zip(linears_of(tower.layers), targets, strict=True):
            _fit(layer, x, target)
            x = torch.relu(layer(x))  # noqa: PLW2901


def _targets(
    larger: Recommender, plan: PruningPlan, firsts: tuple[Tensor, ...]
) -> list[list[Tensor]]:
    """The outputs that each layer should have before its activation, [n, kept], by tower.

    `firsts` [n, inputs] are what each of the larger model's towers reads.
    """
    towers, place = [], 0
    outputs = groups_of(larger).tower_outputs(kept_units(larger.spec, plan))
    for tower, first, left in zip(larger.towers, firsts, outputs, strict=True):
        x, targets = first, []
        *hidden, output = linears_of(tower.layers)
        for layer, activate in zip(hidden, tower.activations, strict=True):
            before = layer(x)
            if place not in plan.linear:
                targets.append(before[:, list(plan.neurons[place])])
            x = activate(before)
            place += 1
        towers.append([*targets, output(x)[:, left]])
    return towers


def _fit(layer: nn.Linear, x: Tensor, target: Tensor) -> None:
    """Add the ridge regression on `x` [n, inputs] of `target` [n, outputs] less the layer's own."""
    ones = torch.ones(len(x), 1, dtype=torch.float64)
    inputs = torch.cat([x.double(), ones], dim=1)
    missed = (target - layer(x)).double()
    gram = inputs.T @ inputs
    penalty = RIDGE * gram.diagonal().mean()
    gram.diagonal().add_(penalty)
    change = torch.linalg.solve(gram, inputs.T @ missed)
    layer.weight.add_(change[:-1].T.float())
    layer.bias.add_(change[-1].float())

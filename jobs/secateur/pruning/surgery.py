"""Take silent units out: a model of really smaller shapes that gives the same scores."""

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor

from secateur.contracts.models import ModelSpec
from secateur.model.architectures import build
from secateur.model.recommender import Recommender
from secateur.model.tower import Tower, linears_of
from secateur.pruning.plans import Cut


def compact(masked: Recommender, cut: Cut) -> Recommender:
    """The model of `masked` without what `cut` does not keep (see `masking.mask`).

    A neuron without input gives the constant relu(bias): it is folded into the next layer's
    bias, with that neuron's outgoing weights, and is 0 after `mask`.
    """
    spec = compact_spec(masked.spec, cut)
    small = build(spec, masked.tower.dropout.p).eval()
    rows = _kept_rows(masked.spec, cut.heights)
    dimensions = torch.tensor(cut.dimensions, dtype=torch.int64)
    with torch.no_grad():
        small.bias.copy_(masked.bias)
        small.embedding.weight.copy_(masked.embedding.weight[rows][:, dimensions])
        small.first_order.weight.copy_(masked.first_order.weight[rows])
        neurons = [torch.tensor(kept) for kept in cut.neurons]
        layers = iter(neurons)
        if masked.spec.hidden:
            for old, new in zip(masked.towers, small.towers, strict=True):
                _copy_tower(old, new, masked.tower_columns(dimensions), layers)
        small.take_over(masked, dimensions, neurons)
    return small


def compact_spec(spec: ModelSpec, cut: Cut) -> ModelSpec:
    """The shapes that `cut` leaves of `spec`."""
    widths, first = tuple(map(len, cut.neurons)), len(spec.hidden)
    shape = replace(spec, rows=cut.heights, embedding_dim=len(cut.dimensions))
    return replace(shape, hidden=widths[:first], second=widths[first:])


def _copy_tower(old: Tower, new: Tower, inputs: Tensor, neurons: Iterator[Tensor]) -> None:
    """Keep these inputs, and of each hidden layer the next of `neurons`."""
    *hidden, output = zip(linears_of(old.layers), linears_of(new.layers), strict=True)
    constant = torch.zeros(linears_of(old.layers)[0].in_features)
    kept = [*(next(neurons) for _ in hidden), torch.tensor([0])]
    for (whole, cut), outputs in zip((*hidden, output), kept, strict=True):
        bias = whole.bias + whole.weight @ constant
        cut.weight.copy_(whole.weight[outputs][:, inputs])
        cut.bias.copy_(bias[outputs])
        constant = torch.relu(bias)
        constant[outputs] = 0
        inputs = outputs


def _kept_rows(spec: ModelSpec, kept: tuple[int, ...]) -> Tensor:
    """Table rows that stay: the first ones of each block; the last of those is OOV by now.

    What numbers and vectors read stays whole.
    """
    *starts, end = torch.cumsum(torch.tensor((0, *spec.rows)), 0).tolist()
    blocks = [torch.arange(start, start + n) for start, n in zip(starts, kept, strict=True)]
    return torch.cat([*blocks, torch.arange(end, end + spec.dense)])

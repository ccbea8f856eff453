"""Take silent units out: a model of really smaller shapes that gives the same scores."""

from dataclasses import replace

import torch
from torch import Tensor

from secateur.contracts.models import ModelSpec
from secateur.model.deepfm import DeepFM
from secateur.pruning.criteria import linears
from secateur.pruning.plans import Cut


def compact(masked: DeepFM, cut: Cut) -> DeepFM:
    """The model of `masked` without what `cut` does not keep (see `masking.mask`).

    A neuron without input gives the constant relu(bias): it is folded into the next layer's
    bias, with that neuron's outgoing weights, and is 0 after `mask`.
    """
    spec = compact_spec(masked.spec, cut)
    small = DeepFM(spec, masked.tower.dropout.p).eval()
    rows = _kept_rows(masked.spec.rows, cut.heights)
    dimensions = torch.tensor(cut.dimensions)
    with torch.no_grad():
        small.bias.copy_(masked.bias)
        small.embedding.weight.copy_(masked.embedding.weight[rows][:, dimensions])
        small.first_order.weight.copy_(masked.first_order.weight[rows])
        _copy_tower(masked, small, cut)
    return small


def compact_spec(spec: ModelSpec, cut: Cut) -> ModelSpec:
    """The shapes that `cut` leaves of `spec`."""
    hidden = tuple(len(kept) for kept in cut.neurons)
    return replace(spec, rows=cut.heights, embedding_dim=len(cut.dimensions), hidden=hidden)


def _copy_tower(masked: DeepFM, small: DeepFM, cut: Cut) -> None:
    inputs = _tower_inputs(masked.spec, cut.dimensions)
    constant = torch.zeros(len(masked.spec.fields) * masked.spec.embedding_dim)
    outputs = [torch.tensor(kept) for kept in cut.neurons] + [torch.tensor([0])]
    for old, new, kept in zip(linears(masked), linears(small), outputs, strict=True):
        bias = old.bias + old.weight @ constant
        new.weight.copy_(old.weight[kept][:, inputs])
        new.bias.copy_(bias[kept])
        constant = torch.relu(bias)
        constant[kept] = 0
        inputs = kept


def _tower_inputs(spec: ModelSpec, dimensions: tuple[int, ...]) -> Tensor:
    """Columns of the first layer that read a kept dimension: one a field and dimension."""
    starts = torch.arange(len(spec.fields))[:, None] * spec.embedding_dim
    return (starts + torch.tensor(dimensions)).flatten()


def _kept_rows(heights: tuple[int, ...], kept: tuple[int, ...]) -> Tensor:
    """Table rows that stay: the first ones of each field; the last of those is OOV by now."""
    starts = torch.cumsum(torch.tensor((0, *heights[:-1])), 0).tolist()
    return torch.cat(
        [torch.arange(start, start + n) for start, n in zip(starts, kept, strict=True)]
    )

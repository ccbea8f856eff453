"""Take silent units out: a model of really smaller shapes that gives the same scores."""

from dataclasses import replace

import torch
from torch import Tensor

from secateur.contracts.models import ModelSpec
from secateur.model.architectures import build
from secateur.model.dcnv2 import DCNv2
from secateur.model.recommender import Recommender
from secateur.pruning.criteria import linears, linears_of
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
        if masked.spec.hidden:
            _copy_tower(masked, small, cut)
        if isinstance(masked, DCNv2) and isinstance(small, DCNv2):
            _copy_cross(masked, small, _tower_inputs(masked.spec, cut.dimensions))
    return small


def compact_spec(spec: ModelSpec, cut: Cut) -> ModelSpec:
    """The shapes that `cut` leaves of `spec`."""
    hidden = tuple(len(kept) for kept in cut.neurons)
    return replace(spec, rows=cut.heights, embedding_dim=len(cut.dimensions), hidden=hidden)


def _copy_tower(masked: Recommender, small: Recommender, cut: Cut) -> None:
    inputs = _tower_inputs(masked.spec, cut.dimensions)
    constant = torch.zeros(masked.spec.tower_inputs)
    outputs = [torch.tensor(kept) for kept in cut.neurons] + [torch.tensor([0])]
    for old, new, kept in zip(linears(masked), linears(small), outputs, strict=True):
        bias = old.bias + old.weight @ constant
        new.weight.copy_(old.weight[kept][:, inputs])
        new.bias.copy_(bias[kept])
        constant = torch.relu(bias)
        constant[kept] = 0
        inputs = kept


def _copy_cross(masked: DCNv2, small: DCNv2, kept: Tensor) -> None:
    """Where x_0 is 0 in a column, every layer's output is: column and row go together."""
    for old, new in zip(linears_of(masked.cross), linears_of(small.cross), strict=True):
        new.weight.copy_(old.weight[kept][:, kept])
        new.bias.copy_(old.bias[kept])
    small.cross_output.weight.copy_(masked.cross_output.weight[:, kept])


def _tower_inputs(spec: ModelSpec, dimensions: tuple[int, ...]) -> Tensor:
    """Columns of the first layer that read a kept dimension of an embedding, or a number."""
    starts = torch.arange(spec.embedded)[:, None] * spec.embedding_dim
    numbers = torch.arange(spec.embedded * spec.embedding_dim, spec.tower_inputs)
    return torch.cat([(starts + torch.tensor(dimensions, dtype=torch.int64)).flatten(), numbers])


def _kept_rows(spec: ModelSpec, kept: tuple[int, ...]) -> Tensor:
    """Table rows that stay: the first ones of each block; the last of those is OOV by now.

    What numbers and vectors read stays whole.
    """
    *starts, end = torch.cumsum(torch.tensor((0, *spec.rows)), 0).tolist()
    blocks = [torch.arange(start, start + n) for start, n in zip(starts, kept, strict=True)]
    return torch.cat([*blocks, torch.arange(end, end + spec.dense)])

"""Take masked units out: a model of really smaller shapes that gives the same scores."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from secateur.contracts.models import ListInput, ModelSpec
from secateur.contracts.pruning import PruningPlan
from secateur.model.architectures.kept_units import Kept, places
from secateur.model.architectures.recommender import Recommender
from secateur.model.architectures.registry import build, groups_of
from secateur.model.architectures.tower import Tower, linears_of
from secateur.pruning.units.calibration import kept_blocks
from secateur.pruning.units.table_rows import kept_rows


@dataclass(frozen=True, eq=False)
class Stage:
    """The linear part of a tower between two activations: weight [outputs, inputs], bias [outputs].

    `kept` int64 are the outputs that stay.
    """

    weight: Tensor
    bias: Tensor
    kept: Tensor


def compact(masked: Recommender, plan: PruningPlan) -> Recommender:
    """`masked` (see `masking.mask`) without the units that `plan` does not keep.

    It reads the inputs that the plan keeps. A neuron without input gives the constant relu(bias),
    0 after `mask`: with its outgoing weights that is folded into the next layer's bias. A linear
    layer is multiplied into the next.
    """
    spec = compact_spec(masked.spec, plan)
    small = build(spec, masked.tower.dropout.p).eval()
    rows = _kept_rows(masked.spec, spec, plan)
    kept = kept_units(masked.spec, plan)
    with torch.no_grad():
        small.bias.copy_(masked.bias)
        small.embedding.weight.copy_(masked.embedding.weight[rows][:, kept.dimensions])
        small.first_order.weight.copy_(masked.first_order.weight[rows])
        layers, groups = iter(kept.neurons), groups_of(masked)
        if masked.spec.hidden:
            ends = zip(groups.tower_columns(kept), groups.tower_outputs(kept), strict=True)
            towers = zip(masked.towers, small.towers, ends, strict=True)
            for old, new, (inputs, outputs) in towers:
                _copy_tower(_stages(old, layers, outputs), new, inputs)
        groups_of(small).take_over(masked, kept)
    return small


def compact_spec(spec: ModelSpec, plan: PruningPlan) -> ModelSpec:
    """The shapes that `plan` leaves of `spec`."""
    wanted, first = set(plan.inputs), len(spec.hidden)
    widths = [(i, len(kept)) for i, kept in enumerate(plan.neurons) if i not in plan.linear]
    shape = replace(
        spec,
        fields=tuple(name for name in spec.fields if name in wanted),
        numbers=tuple(name for name in spec.numbers if name in wanted),
        lists=tuple(one for one in spec.lists if one.name in wanted),
        vectors=tuple(one for one in spec.vectors if one.name in wanted),
        embedding_dim=len(plan.dimensions),
        hidden=tuple(width for i, width in widths if i < first),
        second=tuple(width for i, width in widths if i >= first),
    )
    blocks = kept_blocks(spec, shape)
    return replace(
        shape,
        rows=tuple(plan.heights[block] for block in blocks),
        lists=tuple(ListInput(one.name, blocks.index(one.block)) for one in shape.lists),
    )


def kept_units(spec: ModelSpec, plan: PruningPlan) -> Kept:
    """The plan's units as places in the model."""
    embedded, numbers = places(spec, plan.inputs)
    dimensions = torch.tensor(plan.dimensions, dtype=torch.int64)
    return Kept(embedded, numbers, dimensions, tuple(torch.tensor(kept) for kept in plan.neurons))


def _stages(tower: Tower, neurons: Iterator[Tensor], outputs: Tensor) -> list[Stage]:
    """The tower's stages, each with the next of the kept `neurons` int64 [kept].

    Linear layers are multiplied into the next. The last layer keeps these `outputs` int64 [kept].
    """
    stages: list[Stage] = []
    before: Stage | None = None
    *hidden, output = linears_of(tower.layers)
    for layer, activate in zip((*hidden, output), (*tower.activations, nn.ReLU()), strict=True):
        kept = outputs if layer is output else next(neurons)
        stage = Stage(layer.weight, layer.bias, kept)
        if before is not None:
            stage = Stage(
                layer.weight @ before.weight, layer.bias + layer.weight @ before.bias, kept
            )
        before = stage
        if not isinstance(activate, nn.Identity):
            stages.append(before)
            before = None
    return stages


def _copy_tower(stages: list[Stage], new: Tower, inputs: Tensor) -> None:
    """Copy the kept units of the stages into `new`, which reads the `inputs` int64 [kept]."""
    constant = torch.zeros(stages[0].weight.shape[1])
    for stage, small in zip(stages, linears_of(new.layers), strict=True):
        bias = stage.bias + stage.weight @ constant
        small.weight.copy_(stage.weight[stage.kept][:, inputs])
        small.bias.copy_(bias[stage.kept])
        constant = torch.relu(bias)
        constant[stage.kept] = 0
        inputs = stage.kept


def _kept_rows(larger: ModelSpec, smaller: ModelSpec, plan: PruningPlan) -> Tensor:
    """Table rows int64 [kept] that stay: those that the plan keeps of each block, and OOV.

    The rows of numbers and vectors stay with their input.
    """
    *starts, end = torch.cumsum(torch.tensor((0, *larger.rows)), 0).tolist()
    kept = kept_rows(plan, larger)
    blocks = [
        starts[block] + torch.cat([kept[block], torch.tensor([larger.rows[block] - 1])])
        for block in kept_blocks(larger, smaller)
    ]
    wanted = set(smaller.inputs)
    dense = [
        *((name, 1) for name in larger.numbers),
        *((vector.name, vector.length) for vector in larger.vectors),
    ]
    read = torch.tensor([name in wanted for name, n in dense for _ in range(n)], dtype=torch.bool)
    return torch.cat([*blocks, end + read.nonzero().flatten()])

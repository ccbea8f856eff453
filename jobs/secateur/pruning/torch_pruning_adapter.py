"""Prune any torch.nn.Module: whole neurons and channels, with all that is coupled to them.

    small, plan = prune_module(model, (example,), ModuleRecipe(keep=0.5))

Our own architectures declare their coupled groups (`cuts.compaction`). For any other module
Torch-Pruning finds them: it traces a forward pass and follows which outputs of a layer are inputs
of others, through norms, additions, concatenations and reshapes (Fang et al., "DepGraph: Towards
Any Structural Pruning", CVPR 2023). Whatever reaches the module's output is left alone. The plan is
plain JSON by `record.dump`; `apply_module_plan` repeats it on an equal module.
"""

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import torch
import torch_pruning
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from secateur.contracts.errors import UsageError

Loss = Callable[[nn.Module], Tensor]
Score = Callable[[Any], Tensor]  # from a group of coupled layers to one number a unit

Criterion = Literal["l1", "l2", "taylor", "random"]


@dataclass(frozen=True)
class ModuleRecipe:
    """Keep the share `keep` of every layer's units, but all of the `spared` layers' outputs.

    A unit is a neuron of a Linear or a channel of a convolution together with all that is coupled
    to it. Its importance is the mean over the coupled layers of

    - l1, l2: the sum of |w|, of w^2, over the unit's weights
    - taylor: the sum of |w dL/dw| (Molchanov et al., CVPR 2019), L being a loss of the module
    - random: noise from `seed`
    """

    keep: float
    criterion: Criterion = "l2"
    seed: int = 0
    spared: tuple[str, ...] = ()


@dataclass(frozen=True)
class Removal:
    """Outputs of a layer that go; every layer in `coupled` loses the same with them."""

    layer: str
    outputs: tuple[int, ...]
    coupled: tuple[str, ...]


@dataclass(frozen=True)
class Size:
    """Parameters, and multiply-adds of a forward pass over the example inputs."""

    parameters: int
    macs: int


@dataclass(frozen=True)
class ModulePlan:
    """What was cut out of a module, in the order in which it was. Plain JSON by `record.dump`."""

    criterion: str
    keep: float
    removals: tuple[Removal, ...]
    before: Size
    after: Size


def prune_module(
    module: nn.Module,
    example_inputs: tuple[Tensor, ...],
    recipe: ModuleRecipe,
    loss: Loss | None = None,
) -> tuple[nn.Module, ModulePlan]:
    """A smaller copy of `module` by a recipe, and the plan of what was cut.

    `example_inputs`, of whatever shapes the module takes, are passed to it once. The criterion
    taylor needs a `loss`, which is given the module and returns a float tensor [], and the others
    need none. Raises UsageError when nothing changes, when layers share a weight, or when the
    output would get another shape.
    """
    _check(module, recipe, loss)
    traced = _Traced(module, example_inputs)
    score = _score(traced.small, recipe, loss)
    chosen = [
        (traced.name_of(group[0].dep), _worst(score(group), traced.slices(group), recipe.keep))
        for group in traced.groups(recipe.spared)
    ]
    removals = tuple(traced.take_out(layer, units) for layer, units in chosen if units)
    if not removals:
        what = f"keep {recipe.keep} of {recipe.criterion}"
        raise UsageError(f"{what} changes nothing: every unit stays")
    small = traced.finish()
    sizes = size_of(module, example_inputs), size_of(small, example_inputs)
    return small, ModulePlan(recipe.criterion, recipe.keep, removals, *sizes)


def apply_module_plan(
    module: nn.Module, example_inputs: tuple[Tensor, ...], plan: ModulePlan
) -> nn.Module:
    """A copy of `module` cut by `plan`: from equal weights come equal bytes.

    `example_inputs` have the shapes that `prune_module` was given. Raises UsageError where the
    module is not built like the one that the plan was made for.
    """
    before = size_of(module, example_inputs)
    if before != plan.before:
        raise UsageError(f"the plan is for a module of {plan.before}, this one has {before}")
    traced = _Traced(module, example_inputs)
    for removal in plan.removals:
        if removal.layer not in dict(module.named_modules()):
            raise UsageError(f"the plan cuts {removal.layer!r}, which this module has not")
        found = traced.take_out(removal.layer, removal.outputs)
        if found != removal:
            raise UsageError(f"the plan couples {removal}, this module {found.coupled}")
    return traced.finish()


def size_of(module: nn.Module, example_inputs: tuple[Tensor, ...]) -> Size:
    """Parameters of a module, and multiply-adds over example inputs of any shapes that it takes."""
    with FlopCounterMode(display=False) as counter:
        _outputs(module, example_inputs)
    parameters = sum(weight.numel() for weight in module.parameters())
    return Size(parameters, counter.get_total_flops() // 2)


def _check(module: nn.Module, recipe: ModuleRecipe, loss: Loss | None) -> None:
    if recipe.criterion not in get_args(Criterion):
        raise UsageError(f"a module is pruned by {get_args(Criterion)}, not by {recipe.criterion}")
    if not 0 < recipe.keep < 1:
        raise UsageError(f"keep {recipe.keep} is not within 0..1")
    if (recipe.criterion == "taylor") != (loss is not None):
        raise UsageError("taylor needs a loss, and no other criterion reads one")
    names = [name for name, _ in module.named_parameters(remove_duplicate=False)]
    shared = set(names) - {name for name, _ in module.named_parameters()}
    if shared:
        raise UsageError(f"layers share a weight: {sorted(shared)}")


def _score(module: nn.Module, recipe: ModuleRecipe, loss: Loss | None) -> Score:
    """The criterion as Torch-Pruning has it, not normalised: units are ranked within a group."""
    if recipe.criterion == "random":
        dice = torch.Generator().manual_seed(recipe.seed)
        return lambda group: torch.rand(len(group[0].idxs), generator=dice)
    if loss is not None:
        loss(module).backward()  # type: ignore[no-untyped-call]
        for weight in module.parameters():
            weight.grad = torch.zeros_like(weight) if weight.grad is None else weight.grad
        taylor: Score = torch_pruning.importance.GroupTaylorImportance(normalizer=None)
        return taylor
    power = {"l1": 1, "l2": 2}[recipe.criterion]
    norm: Score = torch_pruning.importance.GroupMagnitudeImportance(p=power, normalizer=None)
    return norm


def _worst(scores: Tensor, slices: int, keep: float) -> tuple[int, ...]:
    """The units of the lowest `scores` [units]; each of the equal slices loses the same ones."""
    together = scores.reshape(slices, -1).sum(0)
    width = len(together)
    order = torch.argsort(together, descending=True, stable=True).tolist()
    gone = sorted(order[max(1, round(keep * width)) :])
    return tuple(place * width + unit for place in range(slices) for unit in gone)


class _Traced:
    """A copy of a module, which is cut, and the dependency graph of its coupled layers.

    Until `finish` it is in evaluation mode and every weight requires a gradient, as tracing asks.
    `groups` are Torch-Pruning's: coupled layers, each with the units that go together.
    """

    def __init__(self, module: nn.Module, example_inputs: tuple[Tensor, ...]) -> None:
        self.module, self.inputs = module, example_inputs
        self.small = copy.deepcopy(module).eval().requires_grad_(True)
        self.small.zero_grad(set_to_none=True)
        with torch.enable_grad():
            self.graph = torch_pruning.DependencyGraph().build_dependency(
                self.small, example_inputs
            )

    def groups(self, spared: Sequence[str]) -> list[Any]:
        """All groups, but those with an output of the module or of a spared layer."""

        def stays(dep: Any) -> bool:  # noqa: ANN401 - it has no types
            is_end = not dep.target.outputs or self.name_of(dep) in spared
            return is_end and bool(self.graph.is_out_channel_pruning_fn(dep.handler))

        every = list(self.graph.get_all_groups())
        return [group for group in every if not any(stays(dep) for dep, _ in group)]

    def slices(self, group: Any) -> int:  # noqa: ANN401
        """How many equal slices of a group's units grouped convolutions and norms read apart."""
        counts = []
        for module, outputs in {
            (dep.target.module, self.graph.is_out_channel_pruning_fn(dep.handler))
            for dep, _ in group
        }:
            pruner = self.graph.get_pruner_of_module(module)
            count = pruner.get_out_channel_groups if outputs else pruner.get_in_channel_groups
            depthwise = isinstance(pruner, torch_pruning.pruner.function.DepthwiseConvPruner)
            counts.append(1 if depthwise else count(module))
        return math.lcm(*counts)

    def take_out(self, layer: str, outputs: tuple[int, ...]) -> Removal:
        """Cut outputs of a layer, and what is coupled to them."""
        module = self.small.get_submodule(layer)
        cut = self.graph.get_pruner_of_module(module).prune_out_channels
        group = self.graph.get_pruning_group(module, cut, list(outputs))
        names = dict.fromkeys(self.name_of(dep) for dep, _ in group.items[1:])
        group.prune()
        return Removal(layer, outputs, tuple(name for name in names if name))

    def name_of(self, dep: Any) -> str:  # noqa: ANN401
        """Name of the layer or of the parameter that a dependency cuts; "" of a mere operation."""
        parts: dict[str, object] = {**dict(self.small.named_modules())}
        parts |= self.small.named_parameters()
        return next((name for name, part in parts.items() if part is dep.target.module), "")

    def finish(self) -> nn.Module:
        """The copy, to be trained where the module is. Raises UsageError for other outputs."""
        before, after = _outputs(self.module, self.inputs), _outputs(self.small, self.inputs)
        if before != after:
            raise UsageError(f"outputs of {before} would become {after}: name layers to spare")
        self.small.zero_grad(set_to_none=True)
        weights = zip(self.module.parameters(), self.small.parameters(), strict=True)
        for old, new in weights:
            new.requires_grad_(old.requires_grad)
        for was, now in zip(self.module.modules(), self.small.modules(), strict=True):
            now.training = was.training
        return self.small


def _outputs(module: nn.Module, example_inputs: tuple[Tensor, ...]) -> list[torch.Size]:
    """The shape of each of a module's outputs in evaluation; its mode is restored."""
    modes = {part: part.training for part in module.modules()}
    try:
        with torch.no_grad():
            found = module.eval()(*example_inputs)
    finally:
        for part, mode in modes.items():
            part.training = mode
    return [tensor.shape for tensor in torch.utils._pytree.tree_leaves(found)]

"""What optimizers remember, cut like the weights, so that training goes on after a cut.

A moment has the shape of its weight, so the surgery that cuts weights cuts it too, with every
architecture's coupled groups. Rows of a table that end in one OOV row are the exception: their
weights are averaged, but gradients add up, and so do moments; second moments and sums of squares
as far as the rows' gradients are independent.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from secateur.contracts.errors import UsageError
from secateur.contracts.models import ModelSpec
from secateur.contracts.pruning import PruningPlan
from secateur.model.architectures.recommender import Recommender
from secateur.model.architectures.registry import build
from secateur.model.optimization.optimizers import TABLES, Memory
from secateur.pruning.cuts.compaction import compact
from secateur.pruning.cuts.masking import mask
from secateur.pruning.importance.neurons import hidden_layers
from secateur.pruning.units.calibration import Evidence
from secateur.pruning.units.rows import kept_rows

Tensors = dict[str, Tensor]


def compact_state(memory: Memory, spec: ModelSpec, plan: PruningPlan, evidence: Evidence) -> Memory:
    """The memory of a model of the shapes `spec`, without what `plan` does not keep.

    Its weights are those of the masked and compacted model, whose norms, if it still has any, are
    cut with their neurons. Its moments are such that the next step moves every weight as it moves
    the masked model's, were the masked units held still. Only Adagrad's sums, which are means over
    a row's dimensions, do not follow when dimensions go: they stay as they were. Raises UsageError
    where layers become linear: the weights of a product have no moments.
    """
    if plan.linear:
        raise UsageError(f"hidden layers {plan.linear} become linear: no moments are left of them")
    whole = _with_weights(spec, memory.weights)
    weights = _cut(whole, mask(whole, plan, evidence), plan)
    moments: Tensors = {}
    for kind in sorted({name.rpartition(".")[2] for name in memory.moments}):
        of_kind = {
            name.removesuffix(f".{kind}"): moment
            for name, moment in memory.moments.items()
            if name.endswith(f".{kind}")
        }
        found = _cut_moments(of_kind, spec, plan, evidence)
        moments |= {f"{name}.{kind}": moment for name, moment in found.items()}
    return Memory(weights, moments, memory.steps)


def _cut_moments(
    moments: Mapping[str, Tensor], spec: ModelSpec, plan: PruningPlan, evidence: Evidence
) -> Tensors:
    """One kind of moments, by the names of weights. A table may have one a row."""
    wide = {name: moments[name] for name in moments if name not in TABLES}
    shapes = {name: weight.shape for name, weight in build(spec).state_dict().items()}
    for name in [name for name in TABLES if name in moments]:
        wide[name] = _added_up(moments[name], spec, plan).expand(shapes[name])
    whole = _with_weights(spec, wide)
    # No input is muted: what its constant adds to a bias has no moment. The OOV row has them all.
    counts = (np.eye(1, rows, rows - 1)[0] for rows in spec.rows)
    alone = replace(evidence, counts=tuple(counts))
    masked = mask(whole, replace(plan, inputs=spec.inputs), alone)
    small = _cut(whole, masked, plan)
    return {
        name: small[name] if moments[name].shape == shapes[name] else _one_a_row(small[name])
        for name in moments
        if name in small
    }


def _added_up(moment: Tensor, spec: ModelSpec, plan: PruningPlan) -> Tensor:
    """A table's moment in which the OOV row has the sum of all rows that end there."""
    found, start = moment.clone(), 0
    for rows, kept in zip(spec.rows, kept_rows(plan, spec), strict=True):
        block = moment[start : start + rows]
        found[start + rows - 1] = block.sum(0) - block[kept].sum(0)
        start += rows
    return found


def _one_a_row(table: Tensor) -> Tensor:
    return table[:, :1] if table.shape[1] else table.new_zeros(len(table), 1)


def _with_weights(spec: ModelSpec, tensors: Mapping[str, Tensor]) -> Recommender:
    """A model with these weights, and 0 for those that are not given."""
    model = build(spec)
    if any(".norms." in name for name in tensors):
        _normalise(model)
    empty = {name: torch.zeros_like(weight) for name, weight in model.state_dict().items()}
    model.load_state_dict(empty | dict(tensors))
    return model


def _cut(whole: Recommender, masked: Recommender, plan: PruningPlan) -> Tensors:
    """The weights that the plan leaves of a masked model, and of the norms of `whole`.

    A normalised layer has no bias of its own. What masking put there, of inputs that became
    constants, moves the mean that its norm takes away.
    """
    small = compact(masked, plan)
    norms = [norm for tower in whole.towers for norm in tower.norms]
    if any(norm.state_dict() for norm in norms):
        biases = [layer.bias.detach().clone() for layer in hidden_layers(small)]
        _normalise(small)
        smaller = [norm for tower in small.towers for norm in tower.norms]
        for old, new, bias, kept in zip(norms, smaller, biases, plan.neurons, strict=True):
            values = old.state_dict().items()
            found = {n: t[list(kept)] if t.dim() else t for n, t in values}
            found["running_mean"] = found["running_mean"] - bias
            new.load_state_dict(found)
    return small.state_dict()


def _normalise(model: Recommender) -> None:
    for tower in model.towers:
        tower.normalize()

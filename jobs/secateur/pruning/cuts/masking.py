"""Mask units without changing a shape: what compaction then takes out changes no score."""

import copy
import itertools
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from secateur.contracts.models import ModelSpec
from secateur.contracts.pruning import PruningPlan
from secateur.model.architectures.recommender import Recommender
from secateur.model.architectures.registry import groups_of
from secateur.model.architectures.tower import linears_of
from secateur.model.data.inputs import Inputs
from secateur.pruning.importance.layers import best_lines
from secateur.pruning.importance.neurons import hidden_layers
from secateur.pruning.importance.weights import linears
from secateur.pruning.units.calibration import CalibrationData, Counts
from secateur.pruning.units.masks import unpack_mask
from secateur.pruning.units.table_rows import kept_rows


def mask(model: Recommender, plan: PruningPlan, calibration: CalibrationData) -> Recommender:
    """A copy of `model` in which every unit outside `plan` is masked.

    A neuron gets no input and no bias, so it gives 0 after the ReLU; a dimension is 0 in every
    row; a weight is 0. A row becomes its block's OOV row, which is first set to the mean, weighted
    by training counts, of all rows that now end there; repair then trains it further. A field is
    its mean row everywhere, as far as the architecture can absorb a constant
    (`PrunableGroups.absorb`); other inputs are zero. A layer that becomes linear has the line that
    fits each neuron's activation best.
    """
    masked = copy.deepcopy(model)
    with torch.no_grad():
        for layer, packed in zip(
            linears(masked) if plan.weights else [], plan.weights, strict=True
        ):
            layer.weight *= unpack_mask(packed, layer.weight.shape)
        for layer, kept in zip(hidden_layers(masked), plan.neurons, strict=True):
            silent = _complement(layer.out_features, kept)
            layer.weight[silent] = 0
            layer.bias[silent] = 0
        groups_of(masked).silence(_complement(model.spec.embedding_dim, plan.dimensions))
        _merge_rows(masked, plan, calibration.counts)
        _remove_inputs(masked, plan.inputs, calibration)
        _linearize_layers(masked, plan, calibration)
    return masked


def nonzero_masks(model: Recommender) -> list[Tensor]:
    """Which weights are not 0, bool [outputs, inputs] for every tower layer."""
    return [layer.weight.detach() != 0 for layer in linears(model)]


def zero_inputs(inputs: Inputs, spec: ModelSpec, kept: tuple[str, ...]) -> Inputs:
    """Inputs [rows, ..] with 0 for numbers and vectors that are not kept, and empty lists."""
    numbers = torch.tensor([float(name in kept) for name in spec.numbers])
    vectors = torch.tensor([float(v.name in kept) for v in spec.vectors for _ in range(v.length)])
    lists = tuple(
        column
        if one.name in kept
        else replace(column, values=column.values[:0], offsets=torch.zeros_like(column.offsets))
        for one, column in zip(spec.lists, inputs.lists, strict=True)
    )
    return replace(
        inputs, numbers=inputs.numbers * numbers, vectors=inputs.vectors * vectors, lists=lists
    )


def _merge_rows(model: Recommender, plan: PruningPlan, counts: tuple[Counts | None, ...]) -> None:
    starts, kept = model.offset.tolist(), kept_rows(plan, model.spec)
    for start, rows, stay, seen in zip(starts, model.spec.rows, kept, counts, strict=True):
        gone = _complement(rows, stay)
        if seen is not None and int(gone.sum()) > 1:
            _merge(model, start + gone.nonzero().flatten(), seen[gone.numpy()])


def _merge(model: Recommender, rows: Tensor, counts: Counts) -> None:
    """Set `rows` int64 [n] of both tables, OOV last, to their mean weighted by `counts` [n]."""
    # Where training saw none of these rows, the OOV row stays as it is.
    seen = counts if counts.any() else np.eye(1, len(counts), len(counts) - 1)[0]
    weight = torch.as_tensor(seen / seen.sum())[:, None]
    for table in (model.embedding.weight, model.first_order.weight):
        table[rows] = (weight * table[rows].double()).sum(dim=0).float()


def _remove_inputs(model: Recommender, kept: tuple[str, ...], calibration: CalibrationData) -> None:
    spec = model.spec
    if kept == spec.inputs:
        return
    for place, name in enumerate(spec.fields):
        if name not in kept:
            counts = calibration.counts[place]
            if counts is None:  # buckets, which training does not count
                ids = calibration.sample.inputs.ids[:, place].numpy()
                counts = np.bincount(ids, minlength=spec.rows[place])
            _make_constant(model, place, counts)
    model.register_forward_pre_hook(lambda _, inputs: (zero_inputs(inputs[0], spec, kept),))


def _make_constant(model: Recommender, place: int, counts: Counts) -> None:
    """Absorb a field's mean row, by `counts` int64 [rows], and set its rows to 0."""
    start = int(model.offset[place])
    end = start + model.spec.rows[place]
    tables = (model.embedding.weight, model.first_order.weight)
    _merge(model, torch.arange(start, end), counts)
    groups_of(model).absorb(place, *(table[start].clone() for table in tables))
    for table in tables:
        table[start:end] = 0


def _linearize_layers(model: Recommender, plan: PruningPlan, calibration: CalibrationData) -> None:
    """Replace activations by their best lines, front to back, as part of the layers' weights."""
    if not plan.linear:
        return
    inputs = zero_inputs(calibration.sample.inputs, model.spec, plan.inputs)
    firsts = model.tower_inputs(model.embed(inputs))
    places = itertools.count()
    for tower, first in zip(model.towers, firsts, strict=True):
        x = first
        for i, layer in enumerate(linears_of(tower.layers)[:-1]):
            if next(places) in plan.linear:
                slope, offset = best_lines(layer(x))
                layer.weight *= slope[:, None]
                layer.bias.mul_(slope).add_(offset)
                tower.activations[i] = nn.Identity()
            x = tower.activations[i](layer(x))


def _complement(units: int, kept: Tensor | tuple[int, ...]) -> Tensor:
    """Which of so many units are not among those `kept` int64 [kept], bool [units]."""
    silent = torch.ones(units, dtype=torch.bool)
    silent[torch.as_tensor(kept, dtype=torch.int64)] = False
    return silent

"""Silence units without changing a shape: what surgery then takes out changes no score."""

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
from secateur.pruning.units.calibration import Counts, Evidence
from secateur.pruning.units.masks import unpack
from secateur.pruning.units.rows import kept_rows


def mask(model: Recommender, plan: PruningPlan, evidence: Evidence) -> Recommender:
    """A copy of `model` in which everything outside `plan` is silent.

    A neuron gets no input and no bias, so it gives 0 after the ReLU; a dimension is 0 in every
    row; a row becomes its block's OOV row. That row is first set to the mean, weighted by
    training counts, of all rows that now end there; repair then trains it further. A field that
    goes is its mean row everywhere as far as the architecture can take a constant in
    (`Recommender.absorb`), and other inputs that go are missing. A layer that becomes linear has
    for its activation the line that fits it best, neuron by neuron. A weight is 0.
    """
    masked = copy.deepcopy(model)
    with torch.no_grad():
        _silence_weights(masked, plan.weights)
        for layer, kept in zip(hidden_layers(masked), plan.neurons, strict=True):
            silent = _others(layer.out_features, kept)
            layer.weight[silent] = 0
            layer.bias[silent] = 0
        groups_of(masked).silence(_others(model.spec.embedding_dim, plan.dimensions))
        _merge_rows(masked, plan, evidence.counts)
        _mute(masked, plan.inputs, evidence)
        _straighten(masked, plan, evidence)
    return masked


def living(model: Recommender) -> list[Tensor]:
    """For every tower layer which weights are not 0, bool [outputs, inputs]."""
    return [layer.weight.detach() != 0 for layer in linears(model)]


def missing(inputs: Inputs, spec: ModelSpec, kept: tuple[str, ...]) -> Inputs:
    """The inputs with numbers, lists and vectors that are not kept as missing ones."""
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


def _silence_weights(model: Recommender, masks: tuple[str, ...]) -> None:
    for layer, packed in zip(linears(model) if masks else [], masks, strict=True):
        layer.weight *= unpack(packed, layer.weight.shape)


def _merge_rows(model: Recommender, plan: PruningPlan, counts: tuple[Counts | None, ...]) -> None:
    starts, kept = model.offset.tolist(), kept_rows(plan, model.spec)
    for start, rows, stay, seen in zip(starts, model.spec.rows, kept, counts, strict=True):
        gone = _others(rows, stay)
        if seen is not None and int(gone.sum()) > 1:
            _merge(model, start + gone.nonzero().flatten(), seen[gone.numpy()])


def _merge(model: Recommender, rows: Tensor, counts: Counts) -> None:
    """Set these rows of both tables, the last of them OOV, to their mean weighted by `counts`."""
    # Where training saw none of these rows, the OOV row stays as it is.
    seen = counts if counts.any() else np.eye(1, len(counts), len(counts) - 1)[0]
    weight = torch.as_tensor(seen / seen.sum())[:, None]
    for table in (model.embedding.weight, model.first_order.weight):
        table[rows] = (weight * table[rows].double()).sum(dim=0).float()


def _mute(model: Recommender, kept: tuple[str, ...], evidence: Evidence) -> None:
    spec = model.spec
    if kept == spec.inputs:
        return
    for place, name in enumerate(spec.fields):
        if name not in kept:
            _make_constant(model, place, _seen(evidence, spec, place))
    model.register_forward_pre_hook(lambda _, inputs: (missing(inputs[0], spec, kept),))


def _make_constant(model: Recommender, place: int, counts: Counts) -> None:
    """A field's mean row goes into what it is added to, and its rows become 0."""
    start = int(model.offset[place])
    end = start + model.spec.rows[place]
    tables = (model.embedding.weight, model.first_order.weight)
    _merge(model, torch.arange(start, end), counts)
    groups_of(model).absorb(place, *(table[start].clone() for table in tables))
    for table in tables:
        table[start:end] = 0


def _seen(evidence: Evidence, spec: ModelSpec, place: int) -> Counts:
    """How often each row of a field was seen; buckets, which training does not count, by sample."""
    counts = evidence.counts[place]
    ids = evidence.sample.inputs.ids[:, place].numpy()
    return np.bincount(ids, minlength=spec.rows[place]) if counts is None else counts


def _straighten(model: Recommender, plan: PruningPlan, evidence: Evidence) -> None:
    """Replace activations by lines, front to back: a line is part of its layer's weights."""
    if not plan.linear:
        return
    inputs = missing(evidence.sample.inputs, model.spec, plan.inputs)
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


def _others(units: int, kept: Tensor | tuple[int, ...]) -> Tensor:
    silent = torch.ones(units, dtype=torch.bool)
    silent[torch.as_tensor(kept, dtype=torch.int64)] = False
    return silent

"""Silence units without changing a shape: what surgery then takes out changes no score."""

import copy

import numpy as np
import torch
from torch import Tensor

from secateur.model.recommender import Recommender
from secateur.pruning import criteria
from secateur.pruning.evidence import Counts, Evidence
from secateur.pruning.plans import Cut


def mask(model: Recommender, cut: Cut, evidence: Evidence) -> Recommender:
    """A copy of `model` in which everything outside `cut` is silent.

    A neuron gets no input and no bias, so it gives 0 after the ReLU; a dimension is 0 in every
    row; a row becomes its block's OOV row. That row is first set to the mean, weighted by
    training counts, of all rows that now end there; repair then trains it further.
    """
    masked = copy.deepcopy(model)
    with torch.no_grad():
        for layer, kept in zip(criteria.hidden_layers(masked), cut.neurons, strict=True):
            silent = _others(layer.out_features, kept)
            layer.weight[silent] = 0
            layer.bias[silent] = 0
        masked.silence(_others(model.spec.embedding_dim, cut.dimensions))
        _merge_rows(masked, cut.heights, evidence.counts)
    return masked


def zero_smallest_weights(model: Recommender, keep: float) -> Recommender:
    """A copy of `model` with only the share `keep` of its tower weights, the largest of all layers.

    Its shapes, and so its bytes and its speed, stay as they were.
    """
    masked = copy.deepcopy(model)
    scores = criteria.weight_magnitude(masked)
    every = torch.cat([layer.flatten() for layer in scores])
    threshold = every.sort(descending=True).values[max(1, round(keep * len(every))) - 1]
    with torch.no_grad():
        for layer, score in zip(criteria.linears(masked), scores, strict=True):
            layer.weight[score < threshold] = 0
    return masked


def _merge_rows(
    model: Recommender, heights: tuple[int, ...], counts: tuple[Counts | None, ...]
) -> None:
    starts = model.offset.tolist()
    for start, old, new, seen in zip(starts, model.spec.rows, heights, counts, strict=True):
        if seen is not None and new < old:
            _merge(model, start + new - 1, start + old, seen[new - 1 :])


def _merge(model: Recommender, start: int, end: int, counts: Counts) -> None:
    """Set rows [start, end) of both tables to their mean weighted by `counts`."""
    # Where training saw none of these rows, the OOV row stays as it is.
    seen = counts if counts.any() else np.eye(1, len(counts), len(counts) - 1)[0]
    weight = torch.as_tensor(seen / seen.sum())[:, None]
    for table in (model.embedding.weight, model.first_order.weight):
        table[start:end] = (weight * table[start:end].double()).sum(dim=0).float()


def _others(units: int, kept: tuple[int, ...]) -> Tensor:
    silent = torch.ones(units, dtype=torch.bool)
    silent[list(kept)] = False
    return silent

"""The importance criteria by name: from a model and what is known of its data to scores of units.

Each gives one score a unit, larger being more worth keeping, in one tensor a group: a hidden layer
of neurons, a tower layer of weights, a block of rows, all dimensions, all inputs, all layers.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from secateur.contracts.candidates import Criterion, Granularity
from secateur.model.recommender import Recommender
from secateur.pruning import inputs, layers, neurons, tables, weights
from secateur.pruning.evidence import Evidence

Scores = tuple[Tensor, ...]
ImportanceCriterion = Callable[[Recommender, Evidence], Scores]


def drawn_at_random(importance: ImportanceCriterion) -> ImportanceCriterion:
    """The control: scores drawn by the evidence's seed; what must stay stays."""

    def random(model: Recommender, evidence: Evidence) -> Scores:
        generator = torch.Generator().manual_seed(evidence.seed)
        return tuple(
            torch.where(scores.isposinf(), scores, torch.rand(scores.shape, generator=generator))
            for scores in importance(model, evidence)
        )

    return random


CRITERIA: Mapping[Granularity, Mapping[Criterion, ImportanceCriterion]] = {
    "weight": {
        "magnitude": weights.magnitude,
        "taylor": weights.taylor,
        "random": drawn_at_random(weights.magnitude),
    },
    "neuron": {
        "l1": neurons.l1,
        "l2": neurons.l2,
        "taylor": neurons.taylor,
        "activation_mean": neurons.activation_mean,
        "activation_variance": neurons.activation_variance,
        "contribution": neurons.contribution,
        "weight_importance": neurons.weight_importance,
        "random": drawn_at_random(neurons.l2),
    },
    "layer": {
        "linearity": layers.linearity,
        "random": drawn_at_random(layers.linearity),
    },
    "embedding_row": {
        "frequency": tables.row_frequency,
        "frequency_l2": tables.row_frequency_l2,
        "fisher": tables.row_fisher,
        "weight_importance": tables.row_weight_importance,
        "random": drawn_at_random(tables.row_frequency),
    },
    "embedding_dimension": {
        "l1": tables.dimension_l1,
        "l2": tables.dimension_l2,
        "frequency_l2": tables.dimension_frequency_l2,
        "weight_importance": tables.dimension_weight_importance,
        "random": drawn_at_random(tables.dimension_l2),
    },
    "field": {
        "field_score": inputs.field_score,
        "field_score_per_us": inputs.field_score_per_us,
        "permutation": inputs.permutation,
        "field_score_confirmed": inputs.field_score_confirmed,
        "random": drawn_at_random(inputs.field_score),
    },
}

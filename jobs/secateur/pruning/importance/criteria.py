"""The importance criteria by name: from a model and what is known of its data to scores of units.

Each gives one score a unit, larger being more worth keeping, in one tensor a group: a hidden layer
of neurons, a tower layer of weights, a block of rows, all dimensions, all inputs, all layers.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from secateur.contracts.candidates import Criterion, Granularity
from secateur.model.architectures.recommender import Recommender
from secateur.pruning.importance import embeddings, fields, layers, neurons, weights
from secateur.pruning.units.calibration import Evidence

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
        "frequency": embeddings.row_frequency,
        "frequency_l2": embeddings.row_frequency_l2,
        "fisher": embeddings.row_fisher,
        "weight_importance": embeddings.row_weight_importance,
        "random": drawn_at_random(embeddings.row_frequency),
    },
    "embedding_dimension": {
        "l1": embeddings.dimension_l1,
        "l2": embeddings.dimension_l2,
        "frequency_l2": embeddings.dimension_frequency_l2,
        "weight_importance": embeddings.dimension_weight_importance,
        "random": drawn_at_random(embeddings.dimension_l2),
    },
    "field": {
        "field_score": fields.field_score,
        "field_score_per_us": fields.field_score_per_us,
        "permutation": fields.permutation,
        "field_score_confirmed": fields.field_score_confirmed,
        "random": drawn_at_random(fields.field_score),
    },
}

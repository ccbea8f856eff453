"""The importance criteria by name: from a model and calibration data to scores of its units.

Each gives one score a unit, a larger one being more worth keeping, in one tensor a group: a hidden
layer of neurons, a tower layer of weights, a block of rows, all dimensions, all inputs, all layers.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from secateur.contracts.candidates import Criterion, Granularity
from secateur.model.architectures.recommender import Recommender
from secateur.pruning.importance import embeddings, fields, layers, neurons, weights
from secateur.pruning.units.calibration import CalibrationData

Scores = tuple[Tensor, ...]
ImportanceCriterion = Callable[[Recommender, CalibrationData], Scores]


def random_importance(importance: ImportanceCriterion) -> ImportanceCriterion:
    """The control: scores of the same shapes drawn by the calibration's seed; inf stays inf."""

    def random(model: Recommender, calibration: CalibrationData) -> Scores:
        generator = torch.Generator().manual_seed(calibration.seed)
        return tuple(
            torch.where(scores.isposinf(), scores, torch.rand(scores.shape, generator=generator))
            for scores in importance(model, calibration)
        )

    return random


CRITERIA: Mapping[Granularity, Mapping[Criterion, ImportanceCriterion]] = {
    "weight": {
        "magnitude": weights.magnitude,
        "taylor": weights.weight_taylor,
        "random": random_importance(weights.magnitude),
    },
    "neuron": {
        "l1": neurons.l1,
        "l2": neurons.l2,
        "taylor": neurons.taylor,
        "activation_mean": neurons.activation_mean,
        "activation_variance": neurons.activation_variance,
        "contribution": neurons.contribution,
        "weight_importance": neurons.weight_importance,
        "random": random_importance(neurons.l2),
    },
    "layer": {
        "linearity": layers.linearity,
        "random": random_importance(layers.linearity),
    },
    "embedding_row": {
        "frequency": embeddings.row_frequency,
        "frequency_l2": embeddings.row_frequency_l2,
        "fisher": embeddings.row_fisher,
        "weight_importance": embeddings.row_weight_importance,
        "random": random_importance(embeddings.row_frequency),
    },
    "embedding_dimension": {
        "l1": embeddings.dimension_l1,
        "l2": embeddings.dimension_l2,
        "frequency_l2": embeddings.dimension_frequency_l2,
        "weight_importance": embeddings.dimension_weight_importance,
        "random": random_importance(embeddings.dimension_l2),
    },
    "field": {
        "field_score": fields.field_score,
        "field_score_per_us": fields.field_score_per_us,
        "permutation": fields.permutation,
        "field_score_confirmed": fields.field_score_confirmed,
        "random": random_importance(fields.field_score),
    },
}

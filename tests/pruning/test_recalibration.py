"""Claims about recalibration: predictions add up again, and nothing else moves."""

import copy

import pytest
import torch

from secateur.model.architectures.recommender import Recommender
from secateur.model.training.holdout import predict
from secateur.model.training.metrics import logit_auc, logit_loss
from secateur.pruning.recipes.pruning_context import PruningContext
from secateur.pruning.recipes.recalibration import recalibrate


@pytest.mark.parametrize("fault", [-2.5, 0.4, 9.0])
def test_a_bias_that_a_cut_moved_is_moved_back(
    untouched: Recommender, context: PruningContext, fault: float
) -> None:
    dense, holdout = copy.deepcopy(untouched), context.calibration.holdout
    recalibrate(dense, holdout.inputs, holdout.labels)
    good = predict(dense, holdout.inputs)
    with torch.no_grad():
        dense.bias += fault
    spoilt = predict(dense, holdout.inputs)
    moved = recalibrate(dense, holdout.inputs, holdout.labels)
    found = predict(dense, holdout.inputs)
    assert moved == pytest.approx(-fault, abs=1e-4)
    assert found == pytest.approx(good, abs=1e-4)
    assert float(torch.sigmoid(found.double()).mean()) == pytest.approx(
        float(holdout.labels.double().mean()), abs=1e-5
    )
    assert logit_loss(found, holdout.labels) < logit_loss(spoilt, holdout.labels)
    assert logit_auc(found, holdout.labels) == pytest.approx(logit_auc(good, holdout.labels))


def test_of_labels_of_one_class_nothing_is_learned(
    untouched: Recommender, context: PruningContext
) -> None:
    dense, holdout = copy.deepcopy(untouched), context.calibration.holdout
    assert recalibrate(dense, holdout.inputs, torch.ones(len(holdout))) == 0.0
    assert torch.equal(dense.bias, untouched.bias)

"""Quantization-aware distillation beside rounding afterwards."""

import copy

import numpy as np
import torch
from torch.nn import functional

from secateur.contracts.candidates import Recipe
from secateur.contracts.models import Evaluation, ModelSpec, TrainingCurve
from secateur.model.architectures.deepfm.network import DeepFM
from secateur.model.architectures.fake_quantization import FakeQuantization
from secateur.model.architectures.recommender import Recommender
from secateur.model.data.batches import Split
from secateur.model.data.inputs import Inputs
from secateur.model.training.holdout import predict
from secateur.pruning.recipes.pruning_context import PruningContext
from secateur.pruning.recipes.quantization_aware import (
    concatenate_curves,
    train_with_fake_quantization,
)
from secateur.pruning.units.calibration import CalibrationData
from secateur.scenario import Training

SIZES = (41, 21)
TRAINING = Training(batch_size=64, learning_rate=1e-2, patience=50)
RECIPE = Recipe("r", embedding_bits=2, rounded_epochs=10.0)


def split_of(rows: int, seed: int) -> Split:
    dice = np.random.default_rng(seed)
    ids = np.minimum(dice.geometric(0.08, (rows, 2)) - 1, np.array(SIZES) - 1).astype(np.int32)
    labels = torch.from_numpy((dice.random(rows) < 0.5).astype(np.float32))
    days = np.full(rows, np.datetime64("2022-04-25"))
    return Split(Inputs.of_ids(torch.from_numpy(ids)), labels, days)


def random_model() -> Recommender:
    torch.manual_seed(0)
    model = DeepFM(ModelSpec("deepfm", ("a", "b"), SIZES, 4, (8,))).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.6)
    return model


def calibration_on(train: Split) -> CalibrationData:
    ids = train.inputs.ids.numpy().T
    counts = tuple(np.bincount(c, minlength=n) for c, n in zip(ids, SIZES, strict=True))
    return CalibrationData(counts, split_of(500, 2))


def distance(model: Recommender, teacher: Recommender, rows: Split) -> float:
    wanted = torch.sigmoid(predict(teacher, rows.inputs))
    found = predict(model, rows.inputs)
    return float(functional.binary_cross_entropy_with_logits(found, wanted))


def test_a_model_trained_with_fake_quantization_is_nearer_to_its_teacher() -> None:
    teacher, train = random_model(), split_of(3000, 1)
    calibration, test = calibration_on(train), split_of(500, 3)
    afterwards, aware = copy.deepcopy(teacher), copy.deepcopy(teacher)
    table = afterwards.embedding.weight
    FakeQuantization(afterwards.spec, table, SIZES, RECIPE.levels).quantize_table(table)
    context = PruningContext(train, calibration, TRAINING, seed=0)
    context = context.with_distillation_targets(teacher, 1.0)
    curve = train_with_fake_quantization(RECIPE, aware, context)
    assert aware.fake_quantization is None
    assert curve.best > 0
    least = distance(teacher, teacher, test)
    lost = [distance(model, teacher, test) - least for model in (afterwards, aware)]
    assert lost[1] < 0.6 * lost[0]
    assert len(aware.embedding.weight[:41].unique()) == 3


def test_a_second_curve_goes_on_where_the_first_ended() -> None:
    first = TrainingCurve((Evaluation(0, 1.0, 1.0, 0.5), Evaluation(9, 0.5, 0.5, 0.6)), 1)
    second = TrainingCurve((Evaluation(0, 0.6, 0.6, 0.6), Evaluation(5, 0.4, 0.4, 0.7)), 1)
    both = concatenate_curves(first, second)
    assert [one.samples for one in both.evaluations] == [0, 9, 9, 14]
    assert both.best == 3
    assert concatenate_curves(TrainingCurve((), 0), second) == second

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional

from secateur.contracts.models import TrainingCurve
from secateur.model.architectures.deepfm.network import DeepFM
from secateur.model.architectures.registry import new_model
from secateur.model.data.batches import Split
from secateur.model.data.inputs import Inputs
from secateur.model.distributed import SINGLE_PROCESS
from secateur.model.optimization.optimizers import ModelOptimizer
from secateur.model.training.holdout import HoldoutEvaluator, predict
from secateur.model.training.loop import penalty
from secateur.model.training.metrics import logit_auc, logit_loss
from secateur.model.training.train import (
    distill,
    distillation_targets,
    train,
    with_distillation_targets,
)
from secateur.model.training.training_context import TrainingContext
from secateur.scenario import Training

from .conftest import SCHEMA, TRAINING, planted_probability

Planted = tuple[Split, Split]


def with_(**changes: object) -> Training:
    return TRAINING.model_copy(update=changes)


def trained(planted: Planted, training: Training, seed: int = 1) -> tuple[DeepFM, TrainingCurve]:
    model = new_model(SCHEMA, training, seed)
    return model, train(model, *planted, TrainingContext(training, seed)).curve


@pytest.fixture(scope="module")
def teacher(planted: Planted) -> DeepFM:
    return trained(planted, with_(max_epochs=12.0))[0]


def test_training_learns_the_planted_signal(planted: Planted, teacher: DeepFM) -> None:
    _, holdout = planted
    best_possible = logit_auc(
        torch.from_numpy(planted_probability(holdout.inputs.ids.numpy())), holdout.labels
    )
    untrained = logit_auc(predict(new_model(SCHEMA, TRAINING, 1), holdout.inputs), holdout.labels)
    assert untrained < 0.6
    assert logit_auc(predict(teacher, holdout.inputs), holdout.labels) > best_possible - 0.01


def test_the_model_keeps_the_weights_of_the_evaluation_with_the_lowest_holdout_loss(
    planted: Planted,
) -> None:
    _, holdout = planted
    noise = Split(
        holdout.inputs.slice(0, 300), torch.bernoulli(torch.full((300,), 0.5)), holdout.days[:300]
    )
    training = with_(max_epochs=60.0, learning_rate=0.02, patience=6)
    model, curve = trained((noise, holdout), training)
    seen = [one.holdout_loss for one in curve.evaluations]
    assert curve.evaluations[curve.best].holdout_loss == min(seen) < seen[-1]
    assert logit_loss(predict(model, holdout.inputs), holdout.labels) == pytest.approx(min(seen))
    assert len(seen) - 1 - curve.best == training.patience
    assert curve.evaluations[-1].samples < 60 * len(noise)


def test_evaluations_are_evenly_spaced_and_the_limit_is_the_last(planted: Planted) -> None:
    _, curve = trained(planted, with_(max_epochs=1.5, evaluations_an_epoch=2, batch_size=100))
    assert [one.samples for one in curve.evaluations] == [2000, 4000, 6000]


def test_two_runs_give_equal_bits_on_one_thread_and_on_two(planted: Planted) -> None:
    first, first_curve = trained(planted, with_(dropout=0.3, threads=1))
    second, second_curve = trained(planted, with_(dropout=0.3, threads=2))
    assert first_curve == second_curve
    for name, tensor in first.state_dict().items():
        assert torch.equal(tensor, second.state_dict()[name])


def test_another_seed_is_another_model(planted: Planted) -> None:
    first, second = (trained(planted, TRAINING, seed)[0] for seed in (1, 2))
    assert not torch.equal(first.embedding.weight, second.embedding.weight)


def test_training_leaves_torch_as_it_was(planted: Planted) -> None:
    before = torch.get_num_threads()
    model, _ = trained(planted, with_(threads=before + 1))
    assert torch.get_num_threads() == before
    assert not torch.are_deterministic_algorithms_enabled()
    assert not model.training


def test_progress_is_told_of_every_row(planted: Planted) -> None:
    told: list[float] = []
    model = new_model(SCHEMA, TRAINING, 1)
    context = TrainingContext(TRAINING, 1, advance=lambda rows, _: told.append(rows))
    curve = train(model, *planted, context).curve
    assert sum(told) == curve.evaluations[-1].samples


def test_embedding_l2_pulls_on_touched_rows_only() -> None:
    model = new_model(SCHEMA, TRAINING, 1)
    penalty(model.embed(Inputs.of_ids(torch.tensor([[3, 5, 1]])))).backward()
    gradient = model.embedding.weight.grad
    assert gradient is not None
    touched = torch.nonzero(gradient.abs().sum(dim=1))[:, 0]
    assert touched.tolist() == [3, 41 + 5, 41 + 31 + 1]
    assert torch.allclose(gradient[touched], 2 * model.embedding.weight[touched])


def test_table_l2_takes_rows_to_zero_that_no_batch_touches() -> None:
    training = with_(table_l2=1e-3, learning_rate=1e-2)
    model = new_model(SCHEMA, training, 1)
    optimizer = ModelOptimizer(model, training, 100, SINGLE_PROCESS)
    inputs = Inputs.of_ids(torch.tensor([[3, 5, 1]]))
    for _ in range(100):
        optimizer.begin_step()
        functional.softplus(-model.score(optimizer.embed(inputs, inputs))).sum().backward()
        optimizer.step()
    large = model.embedding.weight.abs().amax(1) > 1e-2
    assert torch.nonzero(large)[:, 0].tolist() == [3, 41 + 5, 41 + 31 + 1]


def test_distillation_targets_mix_labels_with_the_teachers_probabilities(
    planted: Planted, teacher: DeepFM
) -> None:
    _, holdout = planted
    opinion = 1 / (1 + np.exp(-predict(teacher, holdout.inputs).double().numpy()))
    expected = 0.3 * opinion + 0.7 * holdout.labels.numpy()
    mixed = distillation_targets(holdout, teacher, 0.3)
    assert np.allclose(mixed[:, 0], expected, atol=1e-6)


def test_distillation_moves_the_student_towards_the_teacher(
    planted: Planted, teacher: DeepFM
) -> None:
    _, holdout = planted
    student = new_model(SCHEMA, with_(embedding_dim=2, hidden=(8,)), seed=5)

    def distance() -> float:
        apart = predict(student, holdout.inputs) - predict(teacher, holdout.inputs)
        return float(apart.square().mean())

    before = distance()
    weights = {name: tensor.clone() for name, tensor in teacher.state_dict().items()}
    context = TrainingContext(TRAINING, 1)
    rows = with_distillation_targets(planted, teacher, 1.0, context)
    assert torch.equal(rows[0].labels, planted[0].labels)
    curve = distill(student, *rows, context, epochs=12.0)
    assert distance() < before / 10
    assert curve.evaluations[0].samples == 0
    assert all(torch.equal(tensor, weights[n]) for n, tensor in teacher.state_dict().items())


def test_repair_that_only_harms_is_undone(planted: Planted, teacher: DeepFM) -> None:
    rows, holdout = planted
    twin = new_model(SCHEMA, TRAINING, 1)
    twin.load_state_dict(teacher.state_dict())
    misled = replace(rows, labels=1 - rows.labels)
    context = TrainingContext(TRAINING, 1)
    splits = with_distillation_targets((misled, holdout), teacher, 0.0, context)
    curve = distill(twin, *splits, context, epochs=1.0)
    assert curve.best == 0 < len(curve.evaluations) - 1
    assert all(torch.equal(t, teacher.state_dict()[n]) for n, t in twin.state_dict().items())


def test_patience_counts_from_the_best_evaluation(planted: Planted) -> None:
    _, holdout = planted
    model = new_model(SCHEMA, TRAINING, 1)
    evaluator = HoldoutEvaluator(model, holdout, patience=2)
    evaluator.evaluate(0, 0.0)
    model.bias.data.fill_(9.0)
    evaluator.evaluate(1, 0.0)
    assert not evaluator.out_of_patience
    evaluator.evaluate(2, 0.0)
    assert evaluator.out_of_patience


def test_ids_alone_train_as_they_did_before_other_kinds_came(planted: Planted) -> None:
    """Holdout losses of the code of then, which knew no lists, numbers and vectors."""
    training = with_(max_epochs=3.0, dropout=0.2, embedding_l2=1e-4)
    _, curve = trained(planted, training)
    then = [0.6836417934357073, 0.6829456905208278, 0.6827872219510912, 0.6819267441175539]
    then += [0.6811530808233915, 0.6802298795776307, 0.6789852970165994, 0.6775686712867702]
    then += [0.6760034314524368, 0.6745952653253493, 0.6736907938999023, 0.6734462892750426]
    assert [one.holdout_loss for one in curve.evaluations] == pytest.approx(then, rel=1e-5)

"""A label and its tasks are learned together, over shared embeddings and hidden layers."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from secateur.artifacts import Artifact
from secateur.contracts.models import TrainingCurve
from secateur.model.architectures.recommender import Recommender
from secateur.model.architectures.registry import new_model
from secateur.model.data.batches import Split, load_split, split_holdout
from secateur.model.data.streaming import open_stream
from secateur.model.training.checkpoints import Checkpoints
from secateur.model.training.holdout import predict, predict_tasks
from secateur.model.training.metrics import logit_auc, logit_loss, task_losses
from secateur.model.training.train import (
    distill,
    distillation_targets,
    train,
    with_distillation_targets,
)
from secateur.model.training.training_context import TrainingContext
from secateur.scenario import Training

from .conftest import TRAINING, WITH_TASKS, planted_probability

Told = tuple[Split, Split]
EVEN, LATE = 1, 2  # outputs besides the label's


@pytest.fixture(scope="module")
def told(features_with_tasks: Artifact) -> Told:
    """Train and holdout rows."""
    return split_holdout(load_split(features_with_tasks, "train"), days=1)


def trained(
    rows: Told, training: Training, kept: Checkpoints | None = None, stop: int = -1
) -> tuple[Recommender, TrainingCurve]:
    """Train; before step `stop`, where one is given, the training is cut."""
    left = [stop]

    def advance(_rows: float, _look: object) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise KeyboardInterrupt

    model = new_model(WITH_TASKS, training, 1)
    context = TrainingContext(training, 1, advance=advance, checkpoints=kept)
    return model, train(model, *rows, context).curve


@pytest.fixture(scope="module")
def both(told: Told) -> tuple[Recommender, TrainingCurve]:
    return trained(told, TRAINING.model_copy(update={"max_epochs": 16.0, "patience": 6}))


def possible(rows: Split, output: int, signal: object) -> float:
    """The AUC of who knows what was planted."""
    told = ~rows.targets[:, output].isnan()
    return logit_auc(torch.as_tensor(signal).double()[told], rows.targets[told, output])


def test_label_and_tasks_are_learned(told: Told, both: tuple[Recommender, TrainingCurve]) -> None:
    _, holdout = told
    model, curve = both
    best = curve.evaluations[curve.best]
    ids = holdout.inputs.ids
    assert best.holdout_auc > possible(holdout, 0, planted_probability(ids.numpy())) - 0.02
    assert best.task_aucs["even"] > possible(holdout, EVEN, ids[:, 1] % 2 == 0) - 0.02
    assert best.task_aucs["late"] > possible(holdout, LATE, ids[:, 2] == 3) - 0.02
    logits = predict_tasks(model, holdout.inputs)
    assert holdout.tasks is not None
    known = ~holdout.tasks[:, 0].isnan()
    expected = {
        "even": logit_auc(logits[known, EVEN], holdout.tasks[known, 0]),
        "late": logit_auc(logits[:, LATE], holdout.tasks[:, 1]),
    }
    assert best.task_aucs == expected
    assert 0.4 < known.float().mean() < 0.6


def test_the_kept_evaluation_is_the_best_one_of_the_label(
    told: Told, both: tuple[Recommender, TrainingCurve]
) -> None:
    model, curve = both
    seen = [one.holdout_loss for one in curve.evaluations]
    assert seen[curve.best] == min(seen)
    _, holdout = told
    assert logit_loss(predict(model, holdout.inputs), holdout.labels) == pytest.approx(min(seen))


def test_a_task_that_no_row_tells_moves_nothing(told: Told) -> None:
    untold = tuple(replace(s, tasks=torch.full_like(s.targets[:, 1:], torch.nan)) for s in told)
    off = TRAINING.model_copy(update={"task_weights": {"even": 0.0, "late": 0.0}})
    first, _ = trained((untold[0], untold[1]), TRAINING)
    second, _ = trained(told, off)
    before = new_model(WITH_TASKS, TRAINING, 1)
    for name, tensor in first.state_dict().items():
        assert torch.equal(second.state_dict()[name], tensor), name
    heads = [model.tower.layers[-1].weight[1:] for model in (before, first)]
    assert torch.equal(*heads)
    label = [model.tower.layers[-1].weight[:1] for model in (before, first)]
    assert not torch.equal(*label)


def test_losses_are_those_of_the_rows_that_tell() -> None:
    logits = torch.tensor([[0.5, -1.0], [2.0, 3.0], [-0.3, 0.1]])
    targets = torch.tensor([[1.0, torch.nan], [0.0, 1.0], [0.2, torch.nan]])
    p, t = 1 / (1 + np.exp(-logits.double().numpy())), targets.double().numpy()
    each = -(t * np.log(p) + (1 - t) * np.log(1 - p))
    expected = [each[:, 0].sum(), 0.5 * each[1, 1]]
    assert np.allclose(task_losses(logits, targets, torch.tensor([1.0, 0.5])), expected, atol=1e-5)


def test_cut_anywhere_it_ends_in_the_bits_of_an_uncut_run(told: Told, tmp_path: Path) -> None:
    training = TRAINING.model_copy(
        update={"dropout": 0.3, "embedding_optimizer": "lazy_adam", "task_weights": {"late": 0.3}}
    )
    expected, curve = trained(told, training)
    kept = Checkpoints(str(tmp_path / "kept"), "key", period_s=0)
    for stop in (7, 12):
        with pytest.raises(KeyboardInterrupt):
            trained(told, training, kept, stop)
    again, resumed = trained(told, training, kept)
    assert resumed == curve
    for name, tensor in expected.state_dict().items():
        assert torch.equal(again.state_dict()[name], tensor), name


def test_a_stream_reads_tasks_beside_its_rows(features_with_tasks: Artifact) -> None:
    whole = load_split(features_with_tasks, "train")
    stream = open_stream(features_with_tasks, "train", memory_mb=0.05)
    assert len(stream) > len(next(stream.batches(64, seed=1))[1])
    assert torch.equal(stream.read().targets.nan_to_num(9), whole.targets.nan_to_num(9))
    inputs, targets = next(stream.batches(64, seed=1))
    rows = {
        tuple(row) for row in torch.cat([whole.inputs.ids, whole.targets.nan_to_num(9)], 1).tolist()
    }
    found = torch.cat([inputs.ids, targets.nan_to_num(9)], 1).tolist()
    assert {tuple(row) for row in found} <= rows


def test_a_student_learns_what_its_teacher_thinks_of_every_task(
    told: Told, both: tuple[Recommender, TrainingCurve]
) -> None:
    (_, holdout), teacher = told, both[0]
    mixed, opinion = (
        distillation_targets(holdout, teacher, 0.25),
        torch.sigmoid(predict_tasks(teacher, holdout.inputs)),
    )
    assert holdout.tasks is not None
    told_even = ~holdout.tasks[:, 0].isnan()
    assert torch.equal(mixed[~told_even, EVEN], opinion[~told_even, EVEN])
    half = 0.75 * holdout.tasks[told_even, 0] + 0.25 * opinion[told_even, EVEN]
    assert torch.allclose(mixed[told_even, EVEN], half, atol=1e-6)
    student = new_model(WITH_TASKS, TRAINING.model_copy(update={"hidden": (8,)}), 3)
    context = TrainingContext(TRAINING, 1)
    rows = with_distillation_targets(told, teacher, 1.0, context)
    curve = distill(student, *rows, context, epochs=8.0)
    areas = curve.evaluations[curve.best].task_aucs
    for output, (task, area) in enumerate(areas.items(), start=1):
        assert area > possible(holdout, output, opinion[:, output]) - 0.02, task

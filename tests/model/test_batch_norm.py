"""Batch normalisation is torch's while a tower trains, and is gone from what training leaves."""

import pytest
import torch
from torch import nn

from secateur.model.architectures.batch_norm import FEWEST, BatchNorm
from secateur.model.architectures.registry import new_model
from secateur.model.architectures.tower import Tower
from secateur.model.data.batches import Split
from secateur.model.training.holdout import predict
from secateur.model.training.metrics import logit_loss
from secateur.model.training.train import distill, train, with_distillation_targets
from secateur.model.training.training_context import TrainingContext
from secateur.scenario import Training

from .conftest import SCHEMA, TRAINING

Planted = tuple[Split, Split]
NORMALISED = TRAINING.model_copy(update={"batch_norm": True, "max_epochs": 3.0, "dropout": 0.1})


def silent(_rows: float, _note: str) -> None:
    """Nobody listens."""


@pytest.fixture
def trained_tower() -> Tower:
    """A tower that has seen batches of inputs far from 0 and 1."""
    torch.manual_seed(0)
    tower = Tower(5, (7, 4))
    tower.normalize()
    for norm in tower.norms:
        nn.init.normal_(norm.weight, 1.0, 0.3)
        nn.init.normal_(norm.bias)
    for _ in range(20):
        tower(3 * torch.randn(64, 5) + 2)
    return tower


def test_in_training_it_is_linear_batch_norm_relu(trained_tower: Tower) -> None:
    x = torch.randn(50, 5)
    expected = x
    for layer, norm in zip(trained_tower.layers, trained_tower.norms, strict=False):
        theirs = nn.BatchNorm1d(len(norm.weight))
        theirs.load_state_dict(norm.state_dict())
        expected = torch.relu(theirs(layer(expected)))
    assert torch.allclose(trained_tower(x), trained_tower.layers[-1](expected), atol=1e-6)


def test_folding_changes_no_score(trained_tower: Tower) -> None:
    x = torch.randn(50, 5)
    before = trained_tower.eval()(x)
    trained_tower.fold()
    assert torch.allclose(trained_tower(x), before, atol=1e-5)
    assert not any(isinstance(module, BatchNorm) for module in trained_tower.modules())
    assert trained_tower.state_dict().keys() == Tower(5, (7, 4)).state_dict().keys()
    assert all(parameter.requires_grad for parameter in trained_tower.parameters())


def test_a_batch_of_few_rows_uses_the_running_moments(trained_tower: Tower) -> None:
    few = torch.randn(FEWEST - 1, 5)
    kept = {name: buffer.clone() for name, buffer in trained_tower.named_buffers()}
    scores = trained_tower(few)
    assert torch.allclose(scores[:1], trained_tower(few[:1]), atol=1e-6)
    assert all(torch.equal(kept[name], buffer) for name, buffer in trained_tower.named_buffers())
    assert torch.allclose(scores, trained_tower.eval()(few), atol=1e-6)


@pytest.mark.parametrize("architecture", ["deepfm", "dcnv2"])
def test_what_training_leaves_has_the_loss_of_its_best_evaluation(
    planted: Planted, architecture: str
) -> None:
    training = Training.model_validate(NORMALISED.model_dump() | {"architecture": architecture})
    model = new_model(SCHEMA, training, 1)
    assert [type(norm) for norm in model.tower.norms] == [BatchNorm] * 2
    curve = train(model, *planted, TrainingContext(training, 1)).curve
    assert [type(norm) for norm in model.tower.norms] == [nn.Identity] * 2
    loss = logit_loss(predict(model, planted[1].inputs), planted[1].labels)
    assert loss == pytest.approx(curve.evaluations[curve.best].holdout_loss, abs=1e-6)


def test_a_student_is_folded_too(planted: Planted) -> None:
    teacher = new_model(SCHEMA, TRAINING, 1)
    student = new_model(SCHEMA, NORMALISED, 2)
    context = TrainingContext(NORMALISED, 1)
    rows = with_distillation_targets(planted, teacher, 1.0, context)
    distill(student, *rows, context, epochs=0.5)
    assert [type(norm) for norm in student.tower.norms] == [nn.Identity] * 2

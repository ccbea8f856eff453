"""A model that learned planted clicks, and the rows that it learned them from."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from secateur.contracts.models import ModelSpec
from secateur.model.architectures.recommender import Recommender
from secateur.model.architectures.registry import build
from secateur.model.data.batches import Split
from secateur.model.data.inputs import Inputs
from secateur.model.training.train import train
from secateur.model.training.training_context import TrainingContext
from secateur.pruning.recipes.pruning_context import PruningContext
from secateur.pruning.units.calibration import CalibrationData
from secateur.scenario import Training

TRAINING = Training(batch_size=64, hidden=(32, 32), learning_rate=1e-2, max_epochs=4, patience=9)
SPEC = ModelSpec("deepfm", ("a", "b", "noise"), (12, 12, 12), 4, (32, 32), numbers=("n",))


def planted(rows: int, seed: int) -> Split:
    """Clicks that hang on whether a and b are alike modulo 3, on n, and not on the noise."""
    torch.manual_seed(seed)
    ids = torch.randint(0, 11, (rows, 3))
    numbers = torch.randn(rows, 1)
    logits = 4 * (ids[:, 0] % 3 == ids[:, 1] % 3).float() - 2 + 2 * numbers[:, 0]
    labels = torch.bernoulli(torch.sigmoid(logits))
    inputs = Inputs(ids.int(), numbers, torch.empty(rows, 0), ())
    return Split(inputs, labels, np.zeros(rows, "datetime64[D]"))


@pytest.fixture(scope="session")
def context() -> PruningContext:
    rows, holdout = planted(4000, 1), planted(1500, 2)
    counts = tuple(np.bincount(rows.inputs.ids[:, i].numpy(), minlength=12) for i in range(3))
    return PruningContext(rows, CalibrationData(counts, holdout, seed=5), TRAINING, 3)


@pytest.fixture(scope="session")
def trained(context: PruningContext) -> Recommender:
    torch.manual_seed(0)
    model = build(SPEC)
    train(model, context.train, context.calibration.holdout, TrainingContext(TRAINING, 1))
    return model


@pytest.fixture
def untouched(trained: Recommender) -> Iterator[Recommender]:
    """The trained model, which no test may change."""
    before = {name: tensor.clone() for name, tensor in trained.state_dict().items()}
    yield trained
    assert all(torch.equal(tensor, before[n]) for n, tensor in trained.state_dict().items())

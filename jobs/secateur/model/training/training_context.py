"""What a training runs with, besides its model and its rows."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from secateur.contracts.models import Evaluation
from secateur.model.data.batches import CPU
from secateur.model.distributed import SINGLE_PROCESS, World
from secateur.model.optimization.optimizers import TrainingState
from secateur.model.training.checkpoints import Checkpoints
from secateur.model.training_settings import Training

Advance = Callable[[float, Evaluation | None], None]


def ignore_progress(_rows: float, _evaluation: Evaluation | None) -> None:
    """Nobody listens."""


@dataclass(frozen=True, eq=False)
class TrainingContext:
    """Settings, seed and device of a training, and what it may use.

    `advance` is called after every batch with its number of rows and the last holdout evaluation.
    The ranks of a `world` train one model together, and all end with it. With `checkpoints` a
    training goes on from the newest one, and writes more. With a `start` it goes on from another
    training's state instead of from the model's own weights (a warm start).
    """

    settings: Training
    seed: int
    device: torch.device = CPU
    advance: Advance = ignore_progress
    world: World = SINGLE_PROCESS
    checkpoints: Checkpoints | None = None
    start: TrainingState | None = None


def best_device() -> torch.device:
    """This process's GPU if there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")

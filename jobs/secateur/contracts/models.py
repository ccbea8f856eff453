"""The shape of a trained model, and what its training recorded."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class ModelSpec:
    """Real shapes of a model; its weights are inert bytes beside it.

    `rows[i]` is the table height of field `i`; its last row is OOV. Feature ids at or above it
    are read as OOV, so a table cut to fewer rows serves the ids of the full schema.
    """

    architecture: Literal["deepfm"]
    fields: tuple[str, ...]
    rows: tuple[int, ...]
    embedding_dim: int
    hidden: tuple[int, ...]


@dataclass(frozen=True)
class Evaluation:
    """One look at the holdout during training. `samples` counts the rows trained on so far."""

    samples: int
    train_loss: float
    holdout_loss: float
    holdout_auc: float


@dataclass(frozen=True)
class TrainingCurve:
    """What training saw, and which evaluation the kept weights are from."""

    evaluations: tuple[Evaluation, ...]
    best: int

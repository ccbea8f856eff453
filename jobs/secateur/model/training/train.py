"""Training a model from labels, or from labels and a teacher's opinion.

CTR models overfit abruptly when rows come back in a second epoch, because the embeddings of rare
ids have learned them by heart (Zhang et al., CIKM 2022, "Towards Understanding the Overfitting
Phenomenon of Deep Click-Through Rate Models"). So the holdout is looked at several times an
epoch, and the weights of the best look count.

Two runs with the same seed on the same machine give the same bits.
"""

import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch

from secateur.contracts.models import TrainingCurve
from secateur.model.architectures.recommender import Recommender
from secateur.model.data.batches import Rows, Split
from secateur.model.distributed import World
from secateur.model.optimization.optimizers import Memory
from secateur.model.training.checkpoints import Checkpoints
from secateur.model.training.holdout import Watch, predict, predict_tasks
from secateur.model.training.loop import Advance, Fit
from secateur.model.training.metrics import log_loss
from secateur.model.training.threads import on_threads
from secateur.scenario import Training

ALONE = World()


def train(
    model: Recommender,
    train: Rows,
    holdout: Split,
    training: Training,
    seed: int,
    advance: Advance,
    checkpoints: Checkpoints | None = None,
    world: World = ALONE,
) -> TrainingCurve:
    """Fit `model` in place as `train_on` does, from its own weights."""
    return train_on(model, None, (train, holdout), training, seed, advance, checkpoints, world)[0]


def train_on(
    model: Recommender,
    memory: Memory | None,
    rows: tuple[Rows, Split],
    training: Training,
    seed: int,
    advance: Advance,
    checkpoints: Checkpoints | None = None,
    world: World = ALONE,
) -> tuple[TrainingCurve, Memory | None]:
    """Fit `model` in place for at most `max_epochs`, stopped early on the holdout.

    `rows` are those to train on and those held out. With a `memory` training goes on from there,
    the first look is at what it began with, and it is not stopped early: a rate that is high again
    costs at first what it gains by the end. Where `training.start` is warm, it gives what a
    later one may go on from.

    The model keeps the weights of the best look. `advance` is told of every batch how many rows it
    had, and of the last look. With `checkpoints` it goes on from the newest, and keeps
    more. The ranks of a `world` train one model together, and all end with it.
    """
    with _deterministic(training.threads, seed + world.rank, model):
        if memory:
            model.load_state_dict(memory.weights)
        patience = sys.maxsize if memory else training.patience
        watch = Watch(model, rows[1], patience, world)
        fit = Fit(watch, rows[0], training, training.max_epochs, seed, world, memory)
        return fit.run(advance, checkpoints), fit.left


def distill(
    student: Recommender,
    train: Split,
    holdout: Split,
    training: Training,
    epochs: float,
    seed: int,
) -> TrainingCurve:
    """Fit `student` in place to guided rows (see `taught`).

    The student as given is the first look, so repair never leaves it further from its targets
    than it was. Early stopping as in `train`.
    """
    with _deterministic(training.threads, seed, student):
        watch = Watch(student, holdout, training.patience)
        watch.look(0, log_loss(predict(student, train.inputs), train.targets[:, 0]))
        fit = Fit(watch, train, training, epochs, seed, ALONE)
        return fit.run(lambda _rows, _note: None)


def taught(
    splits: Sequence[Split], teacher: Recommender, training: Training, weight: float
) -> tuple[Split, ...]:
    """The splits with guidance: label and tasks mixed with the teacher's probabilities of each.

    The loss is (1 - w) CE(labels) + w CE(teacher) with w = `weight` (Hinton et al. 2015, at
    temperature 1); since cross-entropy is linear in its target, this is CE against their mix.
    Labels that the student has seen before are learned by heart: for repair, w is best 1.
    """
    with _deterministic(training.threads, 0, teacher):
        return tuple(guided(split, teacher, weight) for split in splits)


def guided(split: Split, teacher: Recommender, weight: float) -> Split:
    """The split with its labels mixed with the teacher's probabilities, these weighing `weight`.

    Where a row does not tell a task, the teacher's opinion stands alone.
    """
    opinion, labels = torch.sigmoid(predict_tasks(teacher, split.inputs)), split.targets
    mixed = torch.lerp(labels, opinion, weight)
    return replace(split, guidance=torch.where(labels.isnan(), opinion, mixed))


@contextlib.contextmanager
def _deterministic(threads: int, seed: int, *models: Recommender) -> Iterator[None]:
    """Seed torch, allow deterministic kernels only, and lend the models to a GPU if there is one.

    Afterwards torch is set as before, and the models are on the CPU in evaluation mode.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS is deterministic only so
    before = torch.are_deterministic_algorithms_enabled()
    settings = torch.utils.deterministic
    filled = settings.fill_uninitialized_memory  # type: ignore[attr-defined]
    torch.use_deterministic_algorithms(True)
    # Every kernel here writes all of its output; filling it first took a twentieth of a step.
    settings.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.manual_seed(seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        for model in models:
            model.to(device)
        with on_threads(threads):
            yield
    finally:
        torch.use_deterministic_algorithms(before)
        settings.fill_uninitialized_memory = filled  # type: ignore[attr-defined]
        for model in models:
            model.to("cpu").eval()

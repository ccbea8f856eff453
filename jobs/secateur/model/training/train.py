"""Training a model from labels, or by distillation from a teacher's probabilities.

CTR models overfit abruptly when rows come back in a second epoch, because the embeddings of rare
ids have learned them by heart (Zhang et al., CIKM 2022, "Towards Understanding the Overfitting
Phenomenon of Deep Click-Through Rate Models"). So the holdout is evaluated several times an epoch,
and the weights of the best evaluation count.

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
from secateur.model.training.holdout import HoldoutEvaluator, predict, predict_tasks
from secateur.model.training.loop import TrainingLoop, TrainingResult
from secateur.model.training.metrics import logit_loss
from secateur.model.training.private_steps import secret_seed
from secateur.model.training.threads import on_threads
from secateur.model.training.training_context import TrainingContext


def train(
    model: Recommender, rows: Rows, holdout: Split, context: TrainingContext
) -> TrainingResult:
    """Fit `model` in place to `rows` [n, ..] for at most `max_epochs`, stopped by the holdout.

    The model keeps the weights of the best holdout evaluation. A warm start is evaluated first,
    and is not stopped early: a rate that is high again costs at first what it gains by the end.
    """
    settings, start = context.settings, context.start
    with _deterministic(context, model):
        if start:
            model.load_state_dict(start.weights)
        patience = sys.maxsize if start else settings.patience
        evaluator = HoldoutEvaluator(model, holdout, patience, context.world)
        return TrainingLoop(evaluator, rows, context, settings.max_epochs).run()


def distill(
    student: Recommender, rows: Split, holdout: Split, context: TrainingContext, epochs: float
) -> TrainingCurve:
    """Fit `student` in place to rows that have distillation targets, stopped early as in `train`.

    The student as given is evaluated first, so repair never leaves it further from its targets
    than it was.
    """
    with _deterministic(context, student):
        evaluator = HoldoutEvaluator(student, holdout, context.settings.patience)
        evaluator.evaluate(0, logit_loss(predict(student, rows.inputs), rows.targets[:, 0]))
        return TrainingLoop(evaluator, rows, context, epochs).run().curve


def with_distillation_targets(
    splits: Sequence[Split], teacher: Recommender, weight: float, context: TrainingContext
) -> tuple[Split, ...]:
    """The splits with the targets of `distillation_targets`, computed as training would."""
    with _deterministic(replace(context, seed=0), teacher):
        return tuple(
            replace(split, distillation_targets=distillation_targets(split, teacher, weight))
            for split in splits
        )


def distillation_targets(split: Split, teacher: Recommender, weight: float) -> torch.Tensor:
    """Labels mixed with the teacher's probabilities, float32 [rows, 1 + tasks].

    The loss is (1 - w) CE(labels) + w CE(teacher) with w = `weight` (Hinton et al. 2015, at
    temperature 1); since cross-entropy is linear in its target, this is CE against their mix.
    A student learns labels by heart that it has seen before: for repair, w is best 1. Where a row
    has no label for a task, the teacher's probability stands alone.
    """
    probabilities, labels = torch.sigmoid(predict_tasks(teacher, split.inputs)), split.targets
    mixed = torch.lerp(labels, probabilities, weight)
    return torch.where(labels.isnan(), probabilities, mixed)


@contextlib.contextmanager
def _deterministic(context: TrainingContext, model: Recommender) -> Iterator[None]:
    """Seed torch, allow deterministic kernels only, and move the model to the context's device.

    Afterwards torch is set as before, and the model is on the CPU in evaluation mode.
    """
    seed = secret_seed(context.seed) if context.settings.privacy else context.seed
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS is deterministic only so
    before = torch.are_deterministic_algorithms_enabled()
    settings = torch.utils.deterministic
    fills = settings.fill_uninitialized_memory  # type: ignore[attr-defined]
    torch.use_deterministic_algorithms(True)
    # Every kernel here writes all of its output; filling it first took a twentieth of a step.
    settings.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.manual_seed(seed + context.world.rank)
    try:
        model.to(context.device)
        with on_threads(context.settings.threads):
            yield
    finally:
        torch.use_deterministic_algorithms(before)
        settings.fill_uninitialized_memory = fills  # type: ignore[attr-defined]
        model.to("cpu").eval()

"""Holdout evaluations as they are made: in the progress line, and in TensorBoard's files."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from secateur.contracts.errors import UsageError
from secateur.contracts.models import Evaluation
from secateur.model.training.holdout import describe
from secateur.model.training.training_context import Advance

TENSORBOARD = "SECATEUR_TENSORBOARD"  # a folder; without it no file is written
WriteEvaluation = Callable[[Evaluation], None]


@contextmanager
def report_progress(show: Callable[[float, str], None], run: str | None) -> Iterator[Advance]:
    """What to call after every batch: `show` gets its rows and the last evaluation in words.

    Each evaluation is written once, by samples trained on, to the `run` below `TENSORBOARD`; no
    file is written without a run. Raises UsageError where the package tensorboard is missing.
    """
    written: set[int] = set()
    with _summary_writer(os.environ.get(TENSORBOARD), run) as write:

        def advance(rows: float, evaluation: Evaluation | None) -> None:
            show(rows, describe(evaluation))
            if evaluation is not None and evaluation.samples not in written:
                written.add(evaluation.samples)
                write(evaluation)

        yield advance


@contextmanager
def _summary_writer(folder: str | None, run: str | None) -> Iterator[WriteEvaluation]:
    if not folder or run is None:
        yield lambda _evaluation: None
        return
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise UsageError(f"{TENSORBOARD} needs the package tensorboard: {error}") from error
    with SummaryWriter(str(Path(folder, run))) as writer:

        def write(evaluation: Evaluation) -> None:
            for name in ("train_loss", "holdout_loss", "holdout_auc"):
                writer.add_scalar(name, getattr(evaluation, name), evaluation.samples)
            for task, area in evaluation.task_aucs.items():
                writer.add_scalar(f"holdout_auc_{task}", area, evaluation.samples)

        yield write

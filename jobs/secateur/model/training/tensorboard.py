"""Looks at the holdout, as they are made: in the progress, and in the files TensorBoard reads."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from secateur.contracts.errors import UsageError
from secateur.contracts.models import Evaluation
from secateur.model.training.holdout import in_words
from secateur.model.training.loop import Advance

TENSORBOARD = "SECATEUR_TENSORBOARD"  # a folder; without it no file is written
Follow = Callable[[Evaluation], None]


@contextmanager
def followed(show: Callable[[float, str], None], run: str | None) -> Iterator[Advance]:
    """What to tell of every batch: `show` gets its rows and the last look in words.

    Each look is written once, by samples trained on, to the `run` below `TENSORBOARD`; to none
    without a run. Raises UsageError where the package tensorboard is missing.
    """
    written: set[int] = set()
    with _files(os.environ.get(TENSORBOARD), run) as write:

        def advance(rows: float, look: Evaluation | None) -> None:
            show(rows, in_words(look))
            if look is not None and look.samples not in written:
                written.add(look.samples)
                write(look)

        yield advance


@contextmanager
def _files(folder: str | None, run: str | None) -> Iterator[Follow]:
    if not folder or run is None:
        yield lambda _look: None
        return
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise UsageError(f"{TENSORBOARD} needs the package tensorboard: {error}") from error
    with SummaryWriter(str(Path(folder, run))) as writer:

        def write(look: Evaluation) -> None:
            for name in ("train_loss", "holdout_loss", "holdout_auc"):
                writer.add_scalar(name, getattr(look, name), look.samples)
            for task, area in look.task_aucs.items():
                writer.add_scalar(f"holdout_auc_{task}", area, look.samples)

        yield write

"""Training a DeepFM from labels, or from labels and a teacher's opinion.

CTR models overfit abruptly when rows come back in a second epoch, because the embeddings of rare
ids have learned them by heart (Zhang et al., CIKM 2022, "Towards Understanding the Overfitting
Phenomenon of Deep Click-Through Rate Models"). So the holdout is looked at several times an
epoch, and the weights of the best look count.

Two runs with the same seed on the same machine give the same bits.
"""

import contextlib
import math
import os
from collections.abc import Callable, Iterator
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional
from torch.optim.lr_scheduler import LinearLR

from secateur.contracts.models import Evaluation, TrainingCurve
from secateur.model.batches import Split, shuffled
from secateur.model.deepfm import DeepFM
from secateur.model.metrics import log_loss
from secateur.model.watching import Watch, predict
from secateur.scenario import Training

Advance = Callable[[float, str], None]
Steps = Iterator[tuple[int, Tensor]]


def train(
    model: DeepFM, train: Split, holdout: Split, training: Training, seed: int, advance: Advance
) -> TrainingCurve:
    """Fit `model` in place for at most `max_epochs`, stopped early on the holdout.

    The model keeps the weights of the best look. `advance` is told of every batch how many rows it
    had, with a note on the last look.
    """
    with _deterministic(training.threads, seed, model):
        watch = Watch(model, holdout, training.patience)
        return _fit(watch, train, training, training.max_epochs, seed, advance)


def distill(
    student: DeepFM,
    teacher: DeepFM,
    train: Split,
    holdout: Split,
    training: Training,
    epochs: float,
    seed: int,
) -> TrainingCurve:
    """Fit `student` in place to the labels and to the teacher's probabilities.

    The loss is (1 - w) CE(labels) + w CE(teacher), w = `teacher_weight` (Hinton et al. 2015, at
    temperature 1); since cross-entropy is linear in its target, this is CE against their mix.
    Labels that the student has seen before are learned by heart: for repair, w is best 1.
    The student as given is the first look, so repair never leaves it further from that target
    than it was. Early stopping as in `train`.
    """
    with _deterministic(training.threads, seed, student, teacher):
        train, holdout = (
            guided(split, teacher, training.teacher_weight) for split in (train, holdout)
        )
        watch = Watch(student, holdout, training.patience)
        watch.look(0, log_loss(predict(student, train.ids), train.targets))
        return _fit(watch, train, training, epochs, seed, lambda _rows, _note: None)


def guided(split: Split, teacher: DeepFM, weight: float) -> Split:
    """The split with its labels mixed with the teacher's probabilities, these weighing `weight`."""
    opinion = torch.sigmoid(predict(teacher, split.ids))
    return replace(split, guidance=torch.lerp(split.labels, opinion, weight))


def _fit(
    watch: Watch, train: Split, training: Training, epochs: float, seed: int, advance: Advance
) -> TrainingCurve:
    """Train up to `epochs`, looking at the holdout at even parts of each, until it gets worse."""
    batches = steps(watch.model, train, training, epochs, seed)
    rows_a_look = len(train) / training.evaluations_an_epoch
    seen, limit, note = 0, math.ceil(epochs * len(train)), ""
    while seen < limit and not watch.out_of_patience:
        due = min(math.ceil((seen // rows_a_look + 1) * rows_a_look), limit)
        rows, loss = _run(batches, due - seen, advance, note)
        seen += rows
        note = _note(watch.look(seen, loss))
    return watch.restore()


def _note(look: Evaluation) -> str:
    return f"(holdout AUC {look.holdout_auc:.4f}, loss {look.holdout_loss:.4f})"


def _run(batches: Steps, rows: int, advance: Advance, note: str) -> tuple[int, float]:
    """Take steps until at least `rows` rows were trained on: their number and mean loss."""
    seen, total = 0, torch.zeros(())
    for size, loss in batches:
        seen += size
        total = total.to(loss.device) + size * loss
        advance(size, note)
        if seen >= rows:
            break
    return seen, float(total) / seen


def steps(model: DeepFM, split: Split, training: Training, epochs: float, seed: int) -> Steps:
    """Train on shuffled batches without end; after each: its rows, and its mean loss.

    Adam, its learning rate falling linearly to 0 over `epochs`. The updates of the table are dense:
    sparse ones were no faster at 40,000 rows, and ranked worse, since the moments stood still
    between a row's visits.
    """
    device = model.bias.device
    ids, targets = split.ids.to(device), split.targets.to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=training.learning_rate, fused=True)
    batches = math.ceil(epochs * len(split) / training.batch_size)
    schedule = LinearLR(optimizer, 1.0, 0.0, total_iters=batches)
    model.train()
    for batch in shuffled(len(split), training.batch_size, seed):
        rows = batch.to(device)
        loss, penalty = losses(model, ids[rows], targets[rows])
        optimizer.zero_grad(set_to_none=True)
        (loss + training.embedding_l2 * penalty).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
        yield len(batch), loss.detach()


def losses(model: DeepFM, ids: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Mean cross-entropy of a batch, and the mean squared norm of the embeddings it touched."""
    rows = model.rows_of(ids)
    embedded, first_order = model.embedding(rows), model.first_order(rows)
    logits = model.score(embedded, first_order)
    penalty = (embedded.square().sum() + first_order.square().sum()) / len(ids)
    return functional.binary_cross_entropy_with_logits(logits, targets), penalty


@contextlib.contextmanager
def _deterministic(threads: int, seed: int, *models: DeepFM) -> Iterator[None]:
    """Seed torch, allow deterministic kernels only, and lend the models to a GPU if there is one.

    Afterwards torch is set as before, and the models are on the CPU in evaluation mode.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS is deterministic only so
    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        for model in models:
            model.to(device)
        yield
    finally:
        torch.set_num_threads(before[0])
        torch.use_deterministic_algorithms(before[1])
        for model in models:
            model.to("cpu").eval()

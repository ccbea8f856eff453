"""Training on a GPU, beside what that GPU could do at best.

    python infra/bench/gpu.py FRAPPE [--output PAGE]

FRAPPE is a folder with Frappe_x1's `train.csv.zst`, `valid.csv.zst` and `test.csv.zst`. The page
gives, for one DeepFM: samples/s of the training loop, looks at the holdout included, in float32
and bfloat16, beside two floors; where a step's time goes; the seconds from files to a trained
model; AUC of three seeds on the GPU and on the CPU; and what it costs to move only the rows of a
table that a batch touched. Without a GPU it runs too, on fewer rows, and says so.
"""

import argparse
import contextlib
import itertools
import platform
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

import torch
from torch.profiler import ProfilerActivity, profile

from secateur.contracts.models import Evaluation
from secateur.model.architectures.recommender import Recommender
from secateur.model.architectures.registry import new_model
from secateur.model.training.holdout import predict
from secateur.model.training.metrics import logit_auc
from secateur.model.training.train import train
from secateur.scenario import Training
from training_sets import Rows, read_frappe, repeated, zipf

CUDA = torch.cuda.is_available()
DEVICE = torch.device("cuda" if CUDA else "cpu")
SECONDS = 2.5  # that a timed training takes, about
DEEPFM = Training(
    hidden=(400, 400, 400), batch_size=4096, embedding_l2=1e-4, dropout=0.2, threads=2
)


@dataclass(frozen=True)
class Machine:
    """Measured rates: matrix products [flop/s] by precision, copies [bytes/s, read + written]."""

    flops: dict[str, float]
    copied: float


def main() -> None:
    """Measure, and write the page."""
    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("frappe", type=Path)
    flags.add_argument("--output", type=Path, default=Path(__file__).with_suffix(".md"))
    arguments = flags.parse_args()
    lines = []
    for line in page(arguments.frappe):
        print(line, flush=True)  # noqa: T201
        lines.append(line)
    arguments.output.write_text("\n".join(lines).rstrip() + "\n")


def page(folder: Path) -> Iterator[str]:
    """The page's lines, as they are measured."""
    device = torch.cuda.get_device_name() if CUDA else f"no GPU: {platform.processor()}"
    yield "# Training on a GPU\n"
    yield f"`python infra/bench/gpu.py FRAPPE`, {device}, torch {torch.__version__}.\n"
    machine = Machine({name: matmul(kind) for name, kind in KINDS.items()}, copies())
    yield "Measured here: " + ", ".join(
        f"{rate / 1e12:.1f} TFLOP/s in {name}" for name, rate in machine.flops.items()
    )
    yield f"(matrix products), {machine.copied / 1e9:.0f} GB/s copied (read + written).\n"
    started = time.monotonic()
    frappe = read_frappe(folder)
    reading = time.monotonic() - started
    long = repeated(frappe, 32 if CUDA else 1)
    yield from speeds(long, machine)
    yield from where_time_goes(long)
    yield from accuracies(frappe, reading)
    yield from tables(zipf(1_300_000, 2_000_000 if CUDA else 200_000))


KINDS = {"fp32": torch.float32, "bf16": torch.bfloat16}


def matmul(kind: torch.dtype) -> float:
    """Rate [flop/s] of a product of two square matrices."""
    size = 8192 if CUDA else 1024
    one, other = (torch.randn(size, size, device=DEVICE, dtype=kind) for _ in range(2))
    return 2 * size**3 / timed(lambda: one @ other)


def copies() -> float:
    """Rate [bytes/s, read + written] of a copy larger than any cache."""
    one = torch.zeros((2**31 if CUDA else 2**27) // 4, device=DEVICE)
    other = torch.empty_like(one)
    return 2 * one.nbytes / timed(lambda: other.copy_(one))


def timed(act: Callable[[], object], times: int = 10) -> float:
    """Seconds an act takes, the mean of `times` after as many to warm up."""
    for _ in range(times):
        act()
    wait()
    started = time.monotonic()
    for _ in range(times):
        act()
    wait()
    return (time.monotonic() - started) / times


def wait() -> None:
    """Until the device has done all it was given."""
    if CUDA:
        torch.cuda.synchronize()


def speeds(rows: Rows, machine: Machine) -> Iterator[str]:
    """Samples/s by precision and batch, beside the floors."""
    yield f"## Speed: DeepFM 3x400 on {rows.name}\n"
    yield "| precision | batch | samples/s | us a step | of flops' floor | of bytes' floor |"
    yield "|---|---|---|---|---|---|"
    for precision in ("fp32", "bf16"):
        for batch in (4096, 65536) if CUDA else (4096,):
            training = replace_training(DEEPFM, precision=precision, batch_size=batch)
            rate = speed(rows, training)
            flops = machine.flops[precision] / flops_a_sample(rows, training)
            data = machine.copied / bytes_a_sample(rows, training, batch)
            step = 1e6 * batch / rate
            yield (
                f"| {precision} | {batch:,} | {rate:,.0f} | {step:.0f} | "
                f"{rate / flops:.1%} of {flops / 1e6:,.1f} M/s | "
                f"{rate / data:.1%} of {data / 1e6:,.1f} M/s |"
            )
    yield ""


def replace_training(training: Training, **changes: object) -> Training:
    """The training with some values changed, checked anew."""
    return Training.model_validate(training.model_dump() | changes)


def flops_a_sample(rows: Rows, training: Training) -> float:
    """Flops of the tower's products: forward, and backward to inputs and to weights."""
    widths = [len(rows.schema.fields) * training.embedding_dim, *training.hidden, 1]
    return 3 * 2 * sum(a * b for a, b in itertools.pairwise(widths))


def bytes_a_sample(rows: Rows, training: Training, batch: int) -> float:
    """Bytes a sample at the least: its ids; its embeddings read, their gradients written and read;
    what each hidden layer gives written and read, forward and backward; and its share of the
    step's moving of all tables by Adam, 4 float32 read and 3 written a weight."""
    fields, item = len(rows.schema.fields), 2 if training.precision == "bf16" else 4
    embeddings = 3 * 4 * fields * (training.embedding_dim + 1)
    layers = 4 * item * sum(training.hidden)
    height = sum(field.size for field in rows.schema.fields)
    return 4 * fields + embeddings + layers + 7 * 4 * height * (training.embedding_dim + 1) / batch


def speed(rows: Rows, training: Training, seconds: float = SECONDS) -> float:
    """Samples/s of the training loop after its first third, for about `seconds`."""
    clock = Clock(seconds)
    endless = replace_training(training, max_epochs=1000.0, patience=10**6, evaluations_an_epoch=1)
    with contextlib.suppress(Enough):
        train(fresh(rows, endless), rows.train, rows.held, endless, 0, clock)
    return clock.rate


class Enough(Exception):
    """The clock has seen enough."""


class Clock:
    """Counts rows from a third of its time on, and ends the training at its end."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.born = time.monotonic()
        self.started = self.rate = 0.0
        self.rows = 0.0

    def __call__(self, rows: float, _look: Evaluation | None) -> None:
        """Told of every batch."""
        now = time.monotonic() - self.born
        if not self.started and now > self.seconds / 3:
            wait()
            self.started = time.monotonic()
        elif self.started:
            self.rows += rows
        if self.started and time.monotonic() - self.started > self.seconds:
            wait()
            self.rate = self.rows / (time.monotonic() - self.started)
            raise Enough


def fresh(rows: Rows, training: Training, seed: int = 0) -> Recommender:
    """A model to train."""
    return new_model(rows.schema, training, seed)


def where_time_goes(rows: Rows) -> Iterator[str]:
    """What the GPU does in a short training, the moving of its rows there too, by time taken."""
    if not CUDA:
        return
    training = replace_training(DEEPFM, precision="bf16", batch_size=65536)
    speed(rows, training, 1.0)
    with profile(activities=[ProfilerActivity.CUDA]) as seen:
        speed(rows, training, 0.5)
    events = sorted(seen.key_averages(), key=lambda e: -e.self_device_time_total)
    total = sum(event.self_device_time_total for event in events)
    yield "## Where the GPU's time goes: a short bf16 training, batch 65,536, its start included\n"
    yield "| share | us a call | kernel |\n|---|---|---|"
    for event in events[:14]:
        taken = event.self_device_time_total
        yield f"| {taken / total:.1%} | {taken / event.count:.0f} | `{event.key[:110]}` |"
    yield ""


def accuracies(rows: Rows, reading: float) -> Iterator[str]:
    """Test AUC of three seeds on the GPU and on the CPU, and the seconds of one training."""
    yield f"## AUC of {rows.name}, 3 seeds, and seconds to a trained model\n"
    yield "| device | precision | AUC | mean | seconds of training | with reading |"
    yield "|---|---|---|---|---|---|"
    for name, precision in (("cuda", "fp32"), ("cuda", "bf16"), ("cpu", "fp32")):
        if name == "cuda" and not CUDA:
            continue
        training = replace_training(
            DEEPFM, precision=precision, max_epochs=6.0, evaluations_an_epoch=1, threads=8
        )
        areas, seconds = zip(*(trained(rows, training, s, name) for s in range(3)), strict=True)
        listed = ", ".join(f"{area:.4f}" for area in areas)
        took = min(seconds)
        yield (
            f"| {name} | {precision} | {listed} | {mean(areas):.4f} | {took:.1f} | "
            f"{took + reading:.1f} |"
        )
    yield ""


def trained(rows: Rows, training: Training, seed: int, device: str) -> tuple[float, float]:
    """AUC on the test rows after training, and its seconds."""
    model = fresh(rows, training, seed)
    available = torch.cuda.is_available
    started = time.monotonic()
    try:
        if device == "cpu":
            torch.cuda.is_available = lambda: False
        train(model, rows.train, rows.held, training, seed, lambda _rows, _note: None)
    finally:
        torch.cuda.is_available = available
    seconds = time.monotonic() - started
    return logit_auc(predict(model, rows.test.inputs), rows.test.labels), seconds


def tables(rows: Rows) -> Iterator[str]:
    """Samples/s by how the tables move, and by batch."""
    yield f"## Tables: {rows.name}, tower 64-32\n"
    yield "| optimizer | batch | samples/s | us a step |\n|---|---|---|---|"
    for batch in (1024, 4096, 65536) if CUDA else (1024,):
        for optimizer in ("adam", "lazy_adam", "rowwise_adagrad"):
            training = replace_training(
                DEEPFM, hidden=(64, 32), batch_size=batch, embedding_optimizer=optimizer
            )
            rate = speed(rows, training)
            yield f"| {optimizer} | {batch:,} | {rate:,.0f} | {1e6 * batch / rate:.0f} |"
    yield ""


if __name__ == "__main__":
    main()

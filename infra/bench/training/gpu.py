"""Training on a GPU, beside what that GPU could do at best.

The page gives, for one DeepFM: samples/s of the training loop, evaluations on the holdout included,
in float32 and bfloat16, beside two floors; where a step's time goes; the seconds from files to a
trained model; AUC of each seed on the GPU and on the CPU; and what it costs to move only the rows
of a table that a batch touched. Without a GPU it runs too, on fewer rows, and says so.
"""

import contextlib
import time
from collections.abc import Iterator
from statistics import mean

import torch
from torch.profiler import ProfilerActivity, profile

from bench.data.frappe import read_frappe
from bench.data.splits import Splits, repeat_train
from bench.data.zipf import zipf_rows
from bench.runner import Asked, Benchmark, add_frappe, seeds_of
from bench.training.floors import (
    Rates,
    bytes_a_sample,
    flops_a_sample,
    measured_rates,
    synchronize,
)
from secateur.contracts.models import Evaluation
from secateur.model.architectures.registry import new_model
from secateur.model.training.holdout import predict
from secateur.model.training.metrics import logit_auc
from secateur.model.training.train import train
from secateur.model.training.training_context import TrainingContext, best_device
from secateur.scenario import Training

CUDA = torch.cuda.is_available()
SECONDS = 2.5  # that a timed training takes, about
DEEPFM = Training(
    hidden=(400, 400, 400), batch_size=4096, embedding_l2=1e-4, dropout=0.2, threads=2
)


def figures(asked: Asked) -> Iterator[str]:
    """All sections."""
    if not CUDA:
        yield "**No GPU answers: all of it is the CPU's.**\n"
    rates = measured_rates()
    yield "Measured here: " + ", ".join(
        f"{rate / 1e12:.1f} TFLOP/s in {name}" for name, rate in rates.flops.items()
    )
    yield f"(matrix products), {rates.copied / 1e9:.0f} GB/s copied (read + written).\n"
    started = time.monotonic()
    frappe = read_frappe(asked.frappe)
    reading = time.monotonic() - started
    long = repeat_train(frappe, 32 if CUDA else 1)
    yield from speed_table(long, rates)
    if CUDA:
        yield from kernel_table(long)
    yield from accuracy_table(frappe, reading, list(seeds_of(asked)))
    yield from optimizer_table(zipf_rows(2_000_000 if CUDA else 200_000))


def speed_table(splits: Splits, rates: Rates) -> Iterator[str]:
    """Samples/s by precision and batch, beside the floors."""
    yield f"## Speed: DeepFM 3x400 on {splits.name}\n"
    yield "| precision | batch | samples/s | us a step | of flops' floor | of bytes' floor |"
    yield "|---|---|---|---|---|---|"
    for precision in ("fp32", "bf16"):
        for batch in (4096, 65536) if CUDA else (4096,):
            training = deepfm(precision=precision, batch_size=batch)
            found = samples_a_second(splits, training)
            by_flops = rates.flops[precision] / flops_a_sample(splits, training)
            by_bytes = rates.copied / bytes_a_sample(splits, training)
            yield (
                f"| {precision} | {batch:,} | {found:,.0f} | {1e6 * batch / found:.0f} | "
                f"{found / by_flops:.1%} of {by_flops / 1e6:,.1f} M/s | "
                f"{found / by_bytes:.1%} of {by_bytes / 1e6:,.1f} M/s |"
            )
    yield ""


def deepfm(**changes: object) -> Training:
    """The DeepFM's training with some values changed, checked anew."""
    return Training.model_validate(DEEPFM.model_dump() | changes)


def samples_a_second(splits: Splits, training: Training, seconds: float = SECONDS) -> float:
    """Samples/s of the training loop after its first third, for about `seconds`."""
    clock = Clock(seconds)
    endless = training.model_copy(
        update={"max_epochs": 1000.0, "patience": 10**6, "evaluations_an_epoch": 1}
    )
    model = new_model(splits.schema, endless, 0)
    with contextlib.suppress(TimeIsUp):
        context = TrainingContext(endless, 0, best_device(), clock)
        train(model, splits.train, splits.held, context)
    return clock.rate


class TimeIsUp(Exception):
    """The clock has counted for long enough."""


class Clock:
    """Counts rows from a third of its time on, and ends the training at its end."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.created = time.monotonic()
        self.started = self.rate = self.rows = 0.0

    def __call__(self, rows: float, _look: Evaluation | None) -> None:
        """Told of every batch. Raises TimeIsUp."""
        if not self.started and time.monotonic() - self.created > self.seconds / 3:
            synchronize()
            self.started = time.monotonic()
        elif self.started:
            self.rows += rows
        if self.started and time.monotonic() - self.started > self.seconds:
            synchronize()
            self.rate = self.rows / (time.monotonic() - self.started)
            raise TimeIsUp


def kernel_table(splits: Splits) -> Iterator[str]:
    """What the GPU does in a short training, the moving of its rows there included."""
    training = deepfm(precision="bf16", batch_size=65536)
    samples_a_second(splits, training, 1.0)  # compiles what is compiled
    with profile(activities=[ProfilerActivity.CUDA]) as profiled:
        samples_a_second(splits, training, 0.5)
    kernels = sorted(profiled.key_averages(), key=lambda e: -e.self_device_time_total)
    total = sum(kernel.self_device_time_total for kernel in kernels)
    yield "## Where the GPU's time goes: a short bf16 training, batch 65,536, its start included\n"
    yield "| share | us a call | kernel |\n|---|---|---|"
    for kernel in kernels[:14]:
        taken = kernel.self_device_time_total
        yield f"| {taken / total:.1%} | {taken / kernel.count:.0f} | `{kernel.key[:110]}` |"
    yield ""


def accuracy_table(splits: Splits, reading: float, seeds: list[int]) -> Iterator[str]:
    """Test AUC of each seed on the GPU and on the CPU, and the seconds of one training."""
    yield f"## AUC of {splits.name}, and seconds to a trained model\n"
    yield "| device | precision | AUC of each seed | mean | seconds of training | with reading |"
    yield "|---|---|---|---|---|---|"
    gpu = [("cuda", "fp32"), ("cuda", "bf16")] if CUDA else []
    for device, precision in (*gpu, ("cpu", "fp32")):
        training = deepfm(precision=precision, max_epochs=6.0, evaluations_an_epoch=1, threads=8)
        runs = [train_and_test(splits, training, seed, device) for seed in seeds]
        areas, seconds = zip(*runs, strict=True)
        listed = ", ".join(f"{area:.4f}" for area in areas)
        yield (
            f"| {device} | {precision} | {listed} | {mean(areas):.4f} | {min(seconds):.1f} | "
            f"{min(seconds) + reading:.1f} |"
        )
    yield ""


def train_and_test(
    splits: Splits, training: Training, seed: int, device: str
) -> tuple[float, float]:
    """AUC on the test rows after training, and its seconds."""
    model = new_model(splits.schema, training, seed)
    started = time.monotonic()
    train(model, splits.train, splits.held, TrainingContext(training, seed, torch.device(device)))
    seconds = time.monotonic() - started
    return logit_auc(predict(model, splits.test.inputs), splits.test.labels), seconds


def optimizer_table(splits: Splits) -> Iterator[str]:
    """Samples/s by how the tables move, and by batch."""
    yield f"## Tables: {splits.name}, tower 64-32\n"
    yield "| optimizer | batch | samples/s | us a step |\n|---|---|---|---|"
    for batch in (1024, 4096, 65536) if CUDA else (1024,):
        for optimizer in ("adam", "lazy_adam", "rowwise_adagrad"):
            training = deepfm(hidden=(64, 32), batch_size=batch, embedding_optimizer=optimizer)
            found = samples_a_second(splits, training)
            yield f"| {optimizer} | {batch:,} | {found:,.0f} | {1e6 * batch / found:.0f} |"
    yield ""


BENCHMARK = Benchmark(
    title="Training on a GPU",
    figures=figures,
    page=lambda _asked: "gpu",
    add_flags=add_frappe,
    seeds=3,
)

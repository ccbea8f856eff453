"""Test AUC of every architecture on Frappe_x1, beside what is published for it.

Each architecture trains on the train set, its weights those of the best evaluation on the valid
set; the test set is read once. Published figures: BARS (Zhu et al., SIGIR 2022,
https://openbenchmark.github.io/BARS), which trains on the original train set, a little larger than
this copy's. BARS has no GDCN: its figure is that of GDCN-P in the paper (Wang et al., CIKM 2023,
table 3), a mean of ten runs on a split of its own, which trains on 80 % of the rows instead of 70.
"""

import argparse
import time
from collections.abc import Iterator
from statistics import mean

import torch

from bench.data.frappe import TRAININGS, read_frappe
from bench.data.splits import Splits
from bench.runner import Asked, Benchmark, add_frappe, seeds_of
from secateur.model.architectures.registry import new_model
from secateur.model.training.holdout import predict
from secateur.model.training.metrics import logit_auc
from secateur.model.training.precision import has_bf16
from secateur.model.training.train import train
from secateur.model.training.training_context import TrainingContext, best_device
from secateur.scenario import Training

PUBLISHED = {
    "lr": 0.9356,
    "fm": 0.9671,
    "deepfm": 0.9842,
    "dcnv2": 0.9845,
    "gdcn": 0.9852,
    "dlrm": 0.9840,
    "masknet": 0.9837,
    "finalmlp": 0.9861,
}


def add_flags(flags: argparse.ArgumentParser) -> None:
    """The folder of Frappe_x1, and which architectures."""
    add_frappe(flags)
    flags.add_argument("--only", default=",".join(TRAININGS), metavar="ARCHITECTURE,...")


def figures(asked: Asked) -> Iterator[str]:
    """A line an architecture."""
    splits = read_frappe(asked.frappe)
    kind = "bf16" if has_bf16(torch.device("cpu")) else "fp32"
    yield f"{kind} products, 2 threads; settings are in `infra/bench/data/frappe.py`.\n"
    yield "| architecture | test AUC of each seed | mean | published | best epochs | seconds each |"
    yield "|---|---|---|---|---|---|"
    for name in asked.only.split(","):
        runs = [train_and_test(splits, TRAININGS[name], seed) for seed in seeds_of(asked)]
        areas, epochs, seconds = zip(*runs, strict=True)
        yield (
            f"| {name} | {', '.join(f'{area:.4f}' for area in areas)} | {mean(areas):.4f} | "
            f"{PUBLISHED[name]:.4f} | {', '.join(map(str, epochs))} | {mean(seconds):.0f} |"
        )


def train_and_test(splits: Splits, training: Training, seed: int) -> tuple[float, int, float]:
    """Test AUC, the epoch of the best evaluation, and the seconds of training."""
    model = new_model(splits.schema, training, seed)
    started = time.monotonic()
    context = TrainingContext(training, seed, best_device())
    curve = train(model, splits.train, splits.held, context).curve
    seconds = time.monotonic() - started
    return (
        logit_auc(predict(model, splits.test.inputs), splits.test.labels),
        curve.best + 1,
        seconds,
    )


BENCHMARK = Benchmark(
    title="Accuracy of every architecture on Frappe_x1",
    figures=figures,
    page=lambda _asked: "accuracy",
    add_flags=add_flags,
    seeds=3,
)

"""Test AUC of every architecture on Frappe_x1, beside what is published for it.

    python infra/bench/accuracy.py FRAPPE [--output PAGE]

FRAPPE is a folder with Frappe_x1's `train.csv.zst`, `valid.csv.zst` and `test.csv.zst`. Each
architecture trains three times on the train set, its weights those of the best look at the valid
set; the test set is looked at once. Published figures: BARS (Zhu et al., SIGIR 2022), which trains
on the original train set, a little larger than this copy's.
"""

import argparse
import platform
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import mean

import torch

from secateur.model.architectures.registry import new_model
from secateur.model.training.holdout import predict
from secateur.model.training.metrics import logit_auc
from secateur.model.training.precision import has_bf16
from secateur.model.training.train import train
from secateur.scenario import Training
from training_sets import Rows, read_frappe

Settings = dict[str, object]

SEEDS = (1, 2, 3)
SHARED: Settings = {"precision": "bf16", "threads": 2, "evaluations_an_epoch": 1, "patience": 4}
TABLES: Settings = {"batch_size": 4096, "max_epochs": 24.0}
TOWER: Settings = {
    "embedding_dim": 40,
    "table_l2": 0.02,
    "hidden": (400, 400, 400),
    "batch_norm": True,
    "dropout": 0.2,
    "batch_size": 4096,
    "learning_rate": 1e-3,
    "max_epochs": 30.0,
}
SETTINGS: dict[str, Settings] = {
    "lr": TABLES | {"learning_rate": 2e-2, "table_l2": 4e-6},
    "fm": TABLES | {"embedding_dim": 40, "learning_rate": 5e-3, "embedding_l2": 3e-4},
    "deepfm": TOWER,
    "dcnv2": TOWER,
    "dlrm": TOWER | {"interaction": "cat"},  # as the published one
    "finalmlp": TOWER,
}
PUBLISHED = {
    "lr": 0.9356,
    "fm": 0.9671,
    "deepfm": 0.9842,
    "dcnv2": 0.9845,
    "dlrm": 0.9840,
    "finalmlp": 0.9861,
}


def main() -> None:
    """Train, and write the page."""
    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("frappe", type=Path)
    flags.add_argument("--only", default=",".join(SETTINGS))
    flags.add_argument("--output", type=Path, default=Path(__file__).with_suffix(".md"))
    arguments = flags.parse_args()
    lines = []
    for line in page(read_frappe(arguments.frappe), arguments.only.split(",")):
        print(line, flush=True)  # noqa: T201
        lines.append(line)
    arguments.output.write_text("\n".join(lines) + "\n")


def page(rows: Rows, architectures: list[str]) -> Iterator[str]:
    """The page's lines, as they are measured."""
    kind = "bf16" if has_bf16(torch.device("cpu")) else "fp32"
    yield "# Accuracy of every architecture on Frappe_x1\n"
    yield f"`make bench-accuracy FRAPPE=<folder>`, {platform.processor() or platform.machine()},"
    yield f"torch {torch.__version__}, {kind} products, 2 threads; settings are in the script.\n"
    yield "| architecture | test AUC, 3 seeds | mean | published | best epochs | seconds each |"
    yield "|---|---|---|---|---|---|"
    for name in architectures:
        training = Training.model_validate({"architecture": name} | SHARED | SETTINGS[name])
        runs = [run(rows, training, seed) for seed in SEEDS]
        areas = ", ".join(f"{area:.4f}" for area, _, _ in runs)
        epochs = ", ".join(str(best) for _, best, _ in runs)
        seconds = mean(seconds for _, _, seconds in runs)
        yield (
            f"| {name} | {areas} | {mean(area for area, _, _ in runs):.4f} | "
            f"{PUBLISHED[name]:.4f} | {epochs} | {seconds:.0f} |"
        )


def run(rows: Rows, training: Training, seed: int) -> tuple[float, int, float]:
    """Test AUC, the epoch of the best look, and the seconds of training."""
    model = new_model(rows.schema, training, seed)
    started = time.monotonic()
    curve = train(model, rows.train, rows.held, training, seed, lambda _rows, _note: None)
    seconds = time.monotonic() - started
    return logit_auc(predict(model, rows.test.inputs), rows.test.labels), curve.best + 1, seconds


if __name__ == "__main__":
    main()

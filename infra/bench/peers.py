"""Speed of training beside DeepCTR-Torch and FuxiCTR: one DeepFM, one machine, one run.

    make bench-peers FRAPPE=<folder>

FRAPPE is a folder with Frappe_x1's `train.csv.zst`, `valid.csv.zst` and `test.csv.zst`. Every
library trains the same shapes (16 dimensions, three layers of 400, Adam at 1e-3, no penalty, no
dropout) on the same rows, batches and threads, from one Parquet file to a trained model. None looks
at a holdout on the way; ours does once an epoch, at a thousand rows. Taken is the best of three
runs, in turns. FuxiCTR's wheel has layers and the loop of training, not the model: its DeepFM is
made of them here as its model zoo does, and fed from tensors in memory, which is faster than Ray.
"""

import argparse
import logging
import math
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

from gpu import bytes_a_sample, copies, flops_a_sample, matmul
from secateur.model.architectures.registry import new_model
from secateur.model.data.batches import Split
from secateur.model.training.holdout import predict
from secateur.model.training.metrics import logit_auc
from secateur.model.training.precision import has_bf16
from secateur.model.training.train import train
from secateur.scenario import Training
from training_sets import Rows, read_frappe, split, zipf

PEERS = Path(__file__).parents[2] / "var" / "peers"
THREADS = 2
TURNS = 3
WIDTH, HIDDEN, RATE = 16, (400, 400, 400), 1e-3


@dataclass(frozen=True)
class Race:
    """A set in a Parquet file, how it is trained on, and its test rows."""

    rows: Rows
    file: Path
    batch: int
    epochs: int

    @property
    def fields(self) -> dict[str, int]:
        """How many ids every field has."""
        return {field.name: field.size for field in self.rows.schema.fields}

    @property
    def samples(self) -> int:
        """How many rows are trained on, epochs and all."""
        return self.epochs * len(self.rows.train)


def main() -> None:
    """Race, and write the page."""
    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("frappe", type=Path)
    flags.add_argument("--output", type=Path, default=Path(__file__).with_suffix(".md"))
    arguments = flags.parse_args()
    sys.path.append(str(PEERS))
    torch.set_num_threads(THREADS)
    lines = []
    with tempfile.TemporaryDirectory() as scratch:
        for line in page(arguments.frappe, Path(scratch)):
            print(line, flush=True)  # noqa: T201
            lines.append(line)
    arguments.output.write_text("\n".join(lines).rstrip() + "\n")


def page(frappe: Path, scratch: Path) -> Iterator[str]:
    """The page's lines, as they are measured."""
    yield "# Speed of training beside DeepCTR-Torch and FuxiCTR\n"
    yield f"`make bench-peers FRAPPE=<folder>`, {platform.processor() or platform.machine()},"
    yield f"torch {torch.__version__}, {THREADS} threads. DeepFM, {WIDTH} dimensions, 3x400;"
    yield "seconds from a Parquet file to a trained model, the best of three runs.\n"
    long = race(read_frappe(frappe), scratch, batch=4096, epochs=4)
    yield from table(long)
    yield from where_time_goes(long)
    yield from table(race(zipf(1_300_000, 200_000), scratch, batch=1024, epochs=1))


def race(rows: Rows, scratch: Path, batch: int, epochs: int) -> Race:
    """Write the train rows as one Parquet file."""
    names = [field.name for field in rows.schema.fields]
    columns = dict(zip(names, rows.train.inputs.ids.T.numpy(), strict=True))
    file = scratch / f"{rows.schema.scenario}.parquet"
    pq.write_table(pa.table(columns | {"label": rows.train.labels.numpy()}), file)
    return Race(rows, file, batch, epochs)


def table(course: Race) -> Iterator[str]:
    """One set's runs, the floors of this machine, and how far each is from them."""
    yield f"## {course.rows.name}: {course.samples:,} samples, batch {course.batch:,}\n"
    yield "| trained by | samples/s | against the better peer | test AUC |\n|---|---|---|---|"
    runners: dict[str, Callable[[Race], tuple[float, float]]] = {
        "DeepCTR-Torch, fp32": deepctr,
        "FuxiCTR, fp32": fuxictr,
        "Secateur, fp32": lambda course: ours(course, "fp32"),
    }
    if has_bf16(torch.device("cpu")):
        runners["Secateur, bf16"] = lambda course: ours(course, "bf16")
    turns = [{name: run(course) for name, run in runners.items()} for _ in range(TURNS)]
    rates = {name: course.samples / min(turn[name][0] for turn in turns) for name in runners}
    peer = max(rate for name, rate in rates.items() if "Secateur" not in name)
    for name, rate in rates.items():
        areas = " ".join(f"{turn[name][1]:.4f}" for turn in turns)
        yield f"| {name} | {rate:,.0f} | {rate / peer:.1f}x | {areas} |"
    yield from floors(course)


def floors(course: Race) -> Iterator[str]:
    """The samples/s that this machine's products and copies allow at most."""
    yield "\nAt most, by this machine's rates measured beside it:\n"
    copied = copies()
    for precision, kind in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
        training = settings(course, precision)
        flops = matmul(kind) / flops_a_sample(course.rows, training)
        whole = copied / bytes_a_sample(course.rows, training, course.batch)
        yield (
            f"- {precision}: {flops:,.0f} by matrix products, {whole:,.0f} by bytes where a step "
            f"moves whole tables"
        )
    yield ""


def where_time_goes(course: Race) -> Iterator[str]:
    """What an epoch of ours in bf16 spends its time in, by kernel."""
    training = settings(course, "bf16").model_copy(update={"max_epochs": 1.0})
    model, held = new_model(course.rows.schema, training, 1), a_thousand(course.rows.held)
    with profile(activities=[ProfilerActivity.CPU]) as seen:
        train(model, course.rows.train, held, training, 1, lambda _rows, _look: None)
    events = sorted(seen.key_averages(), key=lambda event: -event.self_cpu_time_total)
    total = sum(event.self_cpu_time_total for event in events)
    yield "Where an epoch of ours in bf16 spends its time:\n"
    yield "| share | us a call | kernel |\n|---|---|---|"
    for event in events[:12]:
        taken = event.self_cpu_time_total
        yield f"| {taken / total:.0%} | {taken / event.count:.0f} | `{event.key}` |"
    yield ""


def a_thousand(rows: Split) -> Split:
    """The first thousand rows."""
    return rows.take(np.arange(len(rows)) < 1000)


def settings(course: Race, precision: str) -> Training:
    """Ours: the shapes and the rate of all."""
    return Training.model_validate(
        {
            "embedding_dim": WIDTH,
            "hidden": HIDDEN,
            "learning_rate": RATE,
            "batch_size": course.batch,
            "max_epochs": float(course.epochs),
            "precision": precision,
            "threads": THREADS,
            "evaluations_an_epoch": 1,
            "patience": 99,
        }
    )


def ours(course: Race, precision: str) -> tuple[float, float]:
    """Seconds, and test AUC of the last weights' best look."""
    training = settings(course, precision)
    held = a_thousand(course.rows.held)
    started = time.monotonic()
    found = pq.read_table(course.file)
    ids = np.stack([found[name].to_numpy() for name in course.fields], 1)
    rows = split(ids, found["label"].to_numpy())
    model = new_model(course.rows.schema, training, 1)
    train(model, rows, held, training, 1, lambda _rows, _look: None)
    seconds = time.monotonic() - started
    torch.set_num_threads(THREADS)
    return seconds, logit_auc(predict(model, course.rows.test.inputs), course.rows.test.labels)


def deepctr(course: Race) -> tuple[float, float]:
    """Seconds, and test AUC."""
    from deepctr_torch.inputs import SparseFeat
    from deepctr_torch.models import DeepFM

    started = time.monotonic()
    frame = pd.read_parquet(course.file)
    columns = [SparseFeat(name, size, WIDTH) for name, size in course.fields.items()]
    model = DeepFM(
        columns, columns, dnn_hidden_units=HIDDEN, l2_reg_linear=0, l2_reg_embedding=0, device="cpu"
    )
    model.compile(torch.optim.Adam(model.parameters(), RATE), "binary_crossentropy")
    inputs = {name: frame[name].to_numpy() for name in course.fields}
    with redirect_stdout(StringIO()):
        model.fit(inputs, frame["label"].to_numpy(), course.batch, course.epochs, verbose=0)
    seconds = time.monotonic() - started
    test = course.rows.test.inputs.ids.numpy()
    scores = model.predict(dict(zip(course.fields, test.T, strict=True)), 8192)
    return seconds, logit_auc(torch.from_numpy(scores[:, 0]), course.rows.test.labels)


class Batches:
    """Rows in memory as FuxiCTR reads them: a dictionary of tensors a batch, shuffled anew."""

    def __init__(self, columns: dict[str, Tensor], size: int) -> None:
        self.columns, self.size = columns, size
        self.rows = len(columns["label"])

    def __len__(self) -> int:
        return math.ceil(self.rows / self.size)

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        for at in torch.split(torch.randperm(self.rows), self.size):
            yield {name: column[at] for name, column in self.columns.items()}


def fuxictr(course: Race) -> tuple[float, float]:
    """Seconds, and test AUC."""
    logging.getLogger().setLevel(logging.WARNING)
    started = time.monotonic()
    found = pq.read_table(course.file)
    columns = {name: torch.from_numpy(found[name].to_numpy().copy()) for name in found.column_names}
    model = fuxictr_deepfm(course.fields, str(course.file.parent))
    for _ in range(course.epochs):
        model.train()
        for batch in Batches(columns, course.batch):
            model.train_step(batch)
    seconds = time.monotonic() - started
    model.eval()
    test = course.rows.test
    scores = []
    with torch.no_grad():
        for chunk in torch.split(test.inputs.ids, 8192):
            scores.append(model(dict(zip(course.fields, chunk.T, strict=True)))["y_pred"][:, 0])
    return seconds, logit_auc(torch.cat(scores), test.labels)


def fuxictr_deepfm(fields: dict[str, int], folder: str):  # type: ignore[no-untyped-def]  # noqa: ANN201
    """DeepFM of FuxiCTR's layers, as its model zoo has it."""
    from fuxictr.features import FeatureMap
    from fuxictr.pytorch.layers import FactorizationMachine, FeatureEmbedding, MLP_Block
    from fuxictr.pytorch.models import BaseModel

    class DeepFM(BaseModel):  # type: ignore[misc]
        def __init__(self, features: object) -> None:
            super().__init__(features, verbose=0, model_root=folder, metrics=["AUC"])
            self._max_gradient_norm = 10.0
            self.embedding = FeatureEmbedding(features, WIDTH)
            self.fm = FactorizationMachine(features)
            self.mlp = MLP_Block(len(fields) * WIDTH, list(HIDDEN), output_dim=1)
            self.compile("adam", "binary_crossentropy", RATE)
            self.reset_parameters()

        def forward(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
            found = self.get_inputs(inputs)
            embedded = self.embedding(found)
            logits = self.fm(found, embedded) + self.mlp(embedded.flatten(start_dim=1))
            return {"y_pred": self.output_activation(logits)}

    features = FeatureMap("race", folder)
    features.labels = ["label"]
    for name, size in fields.items():
        features.features[name] = {"source": "", "type": "categorical", "vocab_size": size}
    features.num_fields = len(fields)
    return DeepFM(features)


if __name__ == "__main__":
    main()

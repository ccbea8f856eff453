"""Speed of training beside DeepCTR-Torch and FuxiCTR: one DeepFM, one machine, one run.

Every library trains the same shapes (16 dimensions, three layers of 400, Adam at 1e-3, no penalty,
no dropout) on the same rows, batches and threads, from one Parquet file to a trained model. None
evaluates on a holdout meanwhile; ours does once an epoch, on a thousand rows. Taken is the best of
three runs, in turns. FuxiCTR's wheel has layers and the loop of training, not the model: its DeepFM
is made of them here as its model zoo does, and fed from tensors in memory, faster than by Ray.

`make bench-peers` installs both libraries into `var/peers`.
"""

import logging
import math
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

from bench.data.frappe import read_frappe
from bench.data.splits import Splits, split
from bench.data.zipf import zipf_rows
from bench.processes import PROJECT
from bench.runner import Asked, Benchmark, add_frappe
from bench.training.floors import bytes_a_sample, flops_a_sample, measured_rates
from secateur.model.architectures.registry import new_model
from secateur.model.data.batches import Split
from secateur.model.training.holdout import predict
from secateur.model.training.metrics import logit_auc
from secateur.model.training.precision import has_bf16
from secateur.model.training.train import train
from secateur.model.training.training_context import TrainingContext, best_device
from secateur.scenario import Training

PEERS = PROJECT / "var" / "peers"
THREADS = 2
TURNS = 3
WIDTH, HIDDEN, RATE = 16, (400, 400, 400), 1e-3


@dataclass(frozen=True)
class Race:
    """A set in a Parquet file, how it is trained on, and its test rows."""

    splits: Splits
    file: Path
    batch: int
    epochs: int

    @property
    def fields(self) -> dict[str, int]:
        """How many ids every field has."""
        return {field.name: field.size for field in self.splits.schema.fields}

    @property
    def samples(self) -> int:
        """How many rows are trained on, epochs and all."""
        return self.epochs * len(self.splits.train)


def figures(asked: Asked) -> Iterator[str]:
    """Frappe_x1 with our kernels, then ids of Zipf's law."""
    sys.path.append(str(PEERS))
    torch.set_num_threads(THREADS)
    yield f"{THREADS} threads. DeepFM, {WIDTH} dimensions, 3x400; seconds from a Parquet file to a"
    yield "trained model, the best of three runs.\n"
    race = race_on(read_frappe(asked.frappe), asked.folder, batch=4096, epochs=4)
    yield from speed_table(race)
    yield from kernel_table(race)
    yield from speed_table(race_on(zipf_rows(200_000), asked.folder, batch=1024, epochs=1))


def race_on(splits: Splits, folder: Path, batch: int, epochs: int) -> Race:
    """Write the train rows as one Parquet file."""
    names = [field.name for field in splits.schema.fields]
    columns = dict(zip(names, splits.train.inputs.ids.T.numpy(), strict=True))
    file = folder / f"{splits.schema.scenario}.parquet"
    pq.write_table(pa.table(columns | {"label": splits.train.labels.numpy()}), file)
    return Race(splits, file, batch, epochs)


def speed_table(race: Race) -> Iterator[str]:
    """One set's runs, the floors of this machine, and how far each is from them."""
    yield f"## {race.splits.name}: {race.samples:,} samples, batch {race.batch:,}\n"
    yield "| trained by | samples/s | against the better peer | test AUC |\n|---|---|---|---|"
    runners: dict[str, Callable[[Race], tuple[float, float]]] = {
        "DeepCTR-Torch, fp32": deepctr,
        "FuxiCTR, fp32": fuxictr,
        "Secateur, fp32": lambda race: ours(race, "fp32"),
    }
    if has_bf16(torch.device("cpu")):
        runners["Secateur, bf16"] = lambda race: ours(race, "bf16")
    turns = [{name: run(race) for name, run in runners.items()} for _ in range(TURNS)]
    rates = {name: race.samples / min(turn[name][0] for turn in turns) for name in runners}
    peer = max(rate for name, rate in rates.items() if "Secateur" not in name)
    for name, rate in rates.items():
        areas = " ".join(f"{turn[name][1]:.4f}" for turn in turns)
        yield f"| {name} | {rate:,.0f} | {rate / peer:.1f}x | {areas} |"
    yield from floor_lines(race)


def floor_lines(race: Race) -> Iterator[str]:
    """The samples/s that this machine's products and copies allow at most."""
    yield "\nAt most, by this machine's rates measured beside it:\n"
    rates = measured_rates()
    for precision, rate in rates.flops.items():
        training = training_of(race, precision)
        flops = rate / flops_a_sample(race.splits, training)
        whole = rates.copied / bytes_a_sample(race.splits, training)
        yield (
            f"- {precision}: {flops:,.0f} by matrix products, {whole:,.0f} by bytes where a step "
            f"moves whole tables"
        )
    yield ""


def kernel_table(race: Race) -> Iterator[str]:
    """What an epoch of ours in bf16 spends its time in, by kernel."""
    training = training_of(race, "bf16").model_copy(update={"max_epochs": 1.0})
    model, held = new_model(race.splits.schema, training, 1), first_thousand(race.splits.held)
    with profile(activities=[ProfilerActivity.CPU]) as seen:
        train(model, race.splits.train, held, TrainingContext(training, 1, best_device()))
    events = sorted(seen.key_averages(), key=lambda event: -event.self_cpu_time_total)
    total = sum(event.self_cpu_time_total for event in events)
    yield "Where an epoch of ours in bf16 spends its time:\n"
    yield "| share | us a call | kernel |\n|---|---|---|"
    for event in events[:12]:
        taken = event.self_cpu_time_total
        yield f"| {taken / total:.0%} | {taken / event.count:.0f} | `{event.key}` |"
    yield ""


def first_thousand(rows: Split) -> Split:
    """The first thousand rows."""
    return rows.take(np.arange(len(rows)) < 1000)


def training_of(race: Race, precision: str) -> Training:
    """Ours: the shapes and the rate of all."""
    return Training.model_validate(
        {
            "embedding_dim": WIDTH,
            "hidden": HIDDEN,
            "learning_rate": RATE,
            "batch_size": race.batch,
            "max_epochs": float(race.epochs),
            "precision": precision,
            "threads": THREADS,
            "evaluations_an_epoch": 1,
            "patience": 99,
        }
    )


def ours(race: Race, precision: str) -> tuple[float, float]:
    """Seconds, and test AUC of the last weights' best evaluation."""
    training = training_of(race, precision)
    held = first_thousand(race.splits.held)
    started = time.monotonic()
    found = pq.read_table(race.file)
    ids = np.stack([found[name].to_numpy() for name in race.fields], 1)
    rows = split(ids, found["label"].to_numpy())
    model = new_model(race.splits.schema, training, 1)
    train(model, rows, held, TrainingContext(training, 1, best_device()))
    seconds = time.monotonic() - started
    torch.set_num_threads(THREADS)
    return seconds, logit_auc(predict(model, race.splits.test.inputs), race.splits.test.labels)


def deepctr(race: Race) -> tuple[float, float]:
    """Seconds, and test AUC."""
    from deepctr_torch.inputs import SparseFeat
    from deepctr_torch.models import DeepFM

    started = time.monotonic()
    frame = pd.read_parquet(race.file)
    columns = [SparseFeat(name, size, WIDTH) for name, size in race.fields.items()]
    model = DeepFM(
        columns, columns, dnn_hidden_units=HIDDEN, l2_reg_linear=0, l2_reg_embedding=0, device="cpu"
    )
    model.compile(torch.optim.Adam(model.parameters(), RATE), "binary_crossentropy")
    inputs = {name: frame[name].to_numpy() for name in race.fields}
    with redirect_stdout(StringIO()):
        model.fit(inputs, frame["label"].to_numpy(), race.batch, race.epochs, verbose=0)
    seconds = time.monotonic() - started
    test = race.splits.test.inputs.ids.numpy()
    scores = model.predict(dict(zip(race.fields, test.T, strict=True)), 8192)
    return seconds, logit_auc(torch.from_numpy(scores[:, 0]), race.splits.test.labels)


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


def fuxictr(race: Race) -> tuple[float, float]:
    """Seconds, and test AUC."""
    logging.getLogger().setLevel(logging.WARNING)
    started = time.monotonic()
    found = pq.read_table(race.file)
    columns = {name: torch.from_numpy(found[name].to_numpy().copy()) for name in found.column_names}
    model = fuxictr_deepfm(race.fields, str(race.file.parent))
    for _ in range(race.epochs):
        model.train()
        for batch in Batches(columns, race.batch):
            model.train_step(batch)
    seconds = time.monotonic() - started
    model.eval()
    test = race.splits.test
    scores = []
    with torch.no_grad():
        for chunk in torch.split(test.inputs.ids, 8192):
            scores.append(model(dict(zip(race.fields, chunk.T, strict=True)))["y_pred"][:, 0])
    return seconds, logit_auc(torch.cat(scores), test.labels)


def fuxictr_deepfm(fields: dict[str, int], folder: str) -> Any:  # noqa: ANN401 - it has no types
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


BENCHMARK = Benchmark(
    title="Speed of training beside DeepCTR-Torch and FuxiCTR",
    figures=figures,
    page=lambda _asked: "peers",
    add_flags=add_frappe,
)

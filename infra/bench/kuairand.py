"""AUC and GAUC on KuaiRand's last two days, by what is counted and by architecture.

    python infra/bench/kuairand.py [--folder FOLDER] [--output PAGE]

The bundled log, which is the whole of it, and the fields of the short video scenario, with other
counters and architectures: train on 04-25..05-04, the best look at 05-05..06; the figures are of
05-07..08, three seeds each. What lies in the folder is not built again.
"""

import argparse
import json
import platform
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from statistics import mean

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from numpy.typing import NDArray

from counted import PRIOR_EVENTS, USER, Setting, counters
from secateur import scenario
from secateur.artifacts import Artifact, open_artifact
from secateur.contracts.features import VALUE_PREFIX, FeatureSchema
from secateur.judgement.metrics import gauc
from secateur.model.architectures.registry import new_model
from secateur.model.data.batches import Split, load_split, part_files
from secateur.model.data.inputs import Inputs
from secateur.model.training.holdout import predict
from secateur.model.training.metrics import logit_auc
from secateur.model.training.precision import has_bf16
from secateur.model.training.train import train
from secateur.scenario import Features, Training
from verbs import seal

SEEDS = (1, 2, 3)
LIGHTGBM = {"is_click": 0.7482, "long_view": 0.7444}
COUNTED = ("by the day", "by the event", "all", "all, as numbers", "and signals")
CASES = [
    *((counted, "deepfm") for counted in COUNTED),
    *((COUNTED[-1], architecture) for architecture in ("fm", "dlrm", "finalmlp", "dcnv2")),
]
TRAINING: Setting = {
    "embedding_dim": 16,
    "hidden": (256, 128),
    "batch_norm": True,
    "dropout": 0.2,
    "batch_size": 512,
    "learning_rate": 2e-3,
    "max_epochs": 1.0,
    "precision": "bf16",
    "threads": 1,
    "patience": 3,
}
NOTES = """
GAUC is given twice. As it is usually taken, a user's later rows know how the earlier ones ended. Of
the rows of a user who has both outcomes, those that come after a positive are less often positive:
one positive is gone. So what a user just did ranks that user's rows wrongly, however well it tells
users apart: a bias of the measure (Nickell, Econometrica 1981, of panels; Miller & Sanjurjo,
Econometrica 2018, of streaks), not of the model. "At one moment" ranks all of a user's rows with
what was known of the user when these days began, as the offers of one request are ranked.
"""


def main() -> None:
    """Build, train, and write the page."""
    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("--folder", type=Path, default=None)
    flags.add_argument("--output", type=Path, default=Path(__file__).with_suffix(".md"))
    arguments = flags.parse_args()
    with tempfile.TemporaryDirectory(prefix="secateur-bench-") as temporary:
        lines = []
        for line in page(arguments.folder or Path(temporary)):
            print(line, flush=True)  # noqa: T201
            lines.append(line)
    arguments.output.write_text("\n".join(lines) + "\n")


def page(folder: Path) -> Iterator[str]:
    """The page's lines, as they are measured."""
    kind = "bf16" if has_bf16(torch.device("cpu")) else "fp32"
    yield "# KuaiRand: AUC by what is counted, and by architecture\n"
    machine = f"{platform.machine()}, torch {torch.__version__}, {kind} products, one thread"
    yield f"`make bench-kuairand`, {machine}. Train 04-25..05-04, best"
    yield "look at 05-05..06, figures of 05-07..08, three seeds."
    yield "LightGBM is the aim: what was measured on counters like these.\n"
    yield "| label | counters | fields | architecture | AUC, 3 seeds | mean | LightGBM | GAUC | at one moment | seconds each |"  # noqa: E501 - a table's head
    yield "|---|---|--:|---|---|--:|--:|--:|--:|--:|"
    for label in LIGHTGBM:
        for counted, architecture in CASES:
            yield row(Built(folder, counted), label, architecture)
    yield NOTES.rstrip()
    yield from streaks(Built(folder, "all").sealed)


def streaks(features: Artifact) -> Iterator[str]:
    """What the user's own rate of clicks is worth alone, with labels as they are, and shuffled."""
    rate, events = (f"{VALUE_PREFIX}{USER}_is_click_{name}" for name in ("rate", "events"))
    table, users = confirm_rows(features, ["label", rate, events]), codes(features, (USER,))
    labels, order = table["label"].to_numpy(), np.argsort(users, kind="stable")
    shuffled = labels.copy()
    shuffled[order] = labels[np.lexsort((np.random.default_rng(0).random(len(users)), users))]
    _, first = np.unique(users, return_index=True)
    seen = table[events].to_numpy()[first] + PRIOR_EVENTS
    liked = table[rate].to_numpy()[first] * seen
    yield "\nThe user's own rate of clicks, fresh by the event, as the only score:\n"
    yield "| labels | AUC | GAUC |\n|---|--:|--:|"
    for name, given in (("as they are", labels), ("shuffled within each user", shuffled)):
        now = seen[users] + before(users, order, np.ones_like(given))
        score = ((liked[users] + before(users, order, given)) / now).astype(np.float32)
        area = logit_auc(torch.from_numpy(score), torch.from_numpy(given.astype(np.float32)))
        yield f"| {name} | {area:.4f} | {gauc(given, users, score).value:.4f} |"


def before(
    users: NDArray[np.int64], order: NDArray[np.intp], values: NDArray[np.int8]
) -> NDArray[np.int64]:
    """The sum of the same user's values in the rows before each; `order` is by user, then time."""
    ordered = values[order].astype(np.int64)
    sums = np.cumsum(ordered) - ordered
    _, first = np.unique(users[order], return_index=True)
    found = np.empty_like(sums)
    found[order] = sums - sums[first][users[order]]
    return found


@dataclass(frozen=True)
class Built:
    """The FeatureSet with the counters of this name, below a folder."""

    folder: Path
    counted: str

    @cached_property
    def settings(self) -> list[str]:
        """What is set of the scenario."""
        label = '{column = "is_click", tasks = {long_view = {column = "long_view"}}}'
        texts = (
            "{" + ", ".join(f"{key} = {json.dumps(value)}" for key, value in one.items()) + "}"
            for one in counters(self.counted)
        )
        return [f"label={label}", f"features.counters=[{', '.join(texts)}]"]

    @property
    def features(self) -> Features:
        """The section of the scenario."""
        return scenario.load("short_video", self.settings).features

    @cached_property
    def sealed(self) -> Artifact:
        """The FeatureSet, built where it is not there yet."""
        name, events = self.counted.replace(" ", "-").replace(",", ""), {"events": "events"}
        seal("clean_events", self.folder, "events", {}, self.settings)
        seal("validate_events", self.folder, "report", events, self.settings)
        inputs = events | {"validation": "report"}
        seal("build_features", self.folder, name, inputs, self.settings)
        return open_artifact(str(self.folder / name), "FeatureSet")


def row(built: Built, label: str, architecture: str) -> str:
    """A line of the table: three trainings."""
    schema = built.sealed.read("schema.json", FeatureSchema)
    sets = {name: load_split(built.sealed, name) for name in ("train", "tune", "confirm")}
    alone = {name: of_label(one, schema, label) for name, one in sets.items()}
    training = Training.model_validate({**TRAINING, "architecture": architecture})
    runs = [run(built, replace(schema, tasks=()), alone, training, seed) for seed in SEEDS]
    areas = ", ".join(f"{one.auc:.4f}" for one in runs)
    within, moment, seconds = (
        mean(getattr(one, name) for one in runs) for name in ("gauc", "at_one_moment", "seconds")
    )
    return (
        f"| {label} | {built.counted} | {len(schema.inputs)} | {architecture} | {areas} | "
        f"{mean(one.auc for one in runs):.4f} | {LIGHTGBM[label]:.4f} | {within:.4f} | "
        f"{moment:.4f} | {seconds:.0f} |"
    )


def of_label(rows: Split, schema: FeatureSchema, label: str) -> Split:
    """The rows with this label, which may be a task of theirs, and no other."""
    if label in schema.tasks and rows.tasks is not None:
        rows = replace(rows, labels=rows.tasks[:, schema.tasks.index(label)])
    return replace(rows, tasks=None)


@dataclass(frozen=True)
class Figures:
    """Those of one training, on the confirm days."""

    auc: float
    gauc: float
    at_one_moment: float
    seconds: float


def run(
    built: Built, schema: FeatureSchema, sets: dict[str, Split], training: Training, seed: int
) -> Figures:
    """Train, and look at the confirm days."""
    model, confirm = new_model(schema, training, seed), sets["confirm"]
    started = time.monotonic()
    train(model, sets["train"], sets["tune"], training, seed, lambda _rows, _note: None)
    seconds = time.monotonic() - started
    labels, users = confirm.labels.numpy().astype(np.int8), codes(built.sealed, (USER,))
    scores = predict(model, confirm.inputs)
    frozen = predict(model, at_one_moment(built, schema, confirm))
    within, moment = (gauc(labels, users, found.numpy()).value or 0.0 for found in (scores, frozen))
    return Figures(logit_auc(scores, confirm.labels), within, moment, seconds)


def at_one_moment(built: Built, schema: FeatureSchema, confirm: Split) -> Inputs:
    """The confirm rows, each counter of a user's as it was at the first row of its key."""
    inputs = confirm.inputs.clone()
    column = {f.name: inputs.ids[:, n] for n, f in enumerate(schema.fields)}
    column |= {f.name: inputs.numbers[:, n] for n, f in enumerate(schema.numbers)}
    for counter in built.features.counters:
        if USER in counter.keys:
            _, first, key = np.unique(
                codes(built.sealed, counter.keys), return_index=True, return_inverse=True
            )
            for field in counter.fields:
                now = column[field.name]
                now.copy_(now[torch.from_numpy(first[key])])
    return inputs


def codes(features: Artifact, keys: Sequence[str]) -> NDArray[np.int64]:
    """A number for every key of the confirm rows, which are in the order of their days."""
    table = confirm_rows(features, [VALUE_PREFIX + key for key in keys])
    spelled = ["\t".join(map(str, row)) for row in zip(*table.to_pydict().values(), strict=True)]
    return np.unique(spelled, return_inverse=True)[1].astype(np.int64)


def confirm_rows(features: Artifact, columns: list[str]) -> pa.Table:
    """These columns of the confirm rows."""
    files = part_files(features, "confirm")
    return pa.concat_tables(pq.read_table(f, columns=columns, partitioning=None) for f in files)


if __name__ == "__main__":
    main()

"""AUC and GAUC on KuaiRand's last two days, by what is counted and by architecture.

The bundled log, which is the whole of it, and the fields of the short video scenario, with other
counters and architectures: train on 04-25..05-04, evaluations on 05-05..06; the figures are of
05-07..08. What lies in `--folder` is not made again.
"""

import json
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

from bench.data.kuairand_counters import PRIOR_EVENTS, USER, Setting, counters
from bench.processes import VerbRunner
from bench.runner import Asked, Benchmark, seeds_of
from secateur import scenario
from secateur.artifacts import Artifact, open_artifact
from secateur.contracts.features import VALUE_PREFIX, FeatureSchema
from secateur.judgement.accuracy import gauc
from secateur.model.architectures.registry import new_model
from secateur.model.data.batches import Split, load_split, part_files
from secateur.model.data.inputs import Inputs
from secateur.model.training.holdout import predict
from secateur.model.training.metrics import logit_auc
from secateur.model.training.precision import has_bf16
from secateur.model.training.train import train
from secateur.model.training.training_context import TrainingContext, best_device
from secateur.scenario import Features, Training

SCENARIO = "short_video"
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


def figures(asked: Asked) -> Iterator[str]:
    """A line a label, set of counters and architecture; then what GAUC tells of streaks."""
    kind = "bf16" if has_bf16(torch.device("cpu")) else "fp32"
    yield f"{kind} products, one thread. Train 04-25..05-04, evaluations on 05-05..06, figures of"
    yield "05-07..08. LightGBM is the aim: what was measured on counters like these.\n"
    yield "| label | counters | fields | architecture | AUC of each seed | mean | LightGBM | GAUC | at one moment | seconds each |"  # noqa: E501 - a table's head
    yield "|---|---|--:|---|---|--:|--:|--:|--:|--:|"
    for label in LIGHTGBM:
        for counted, architecture in CASES:
            built = BuiltFeatures(asked.folder, counted)
            yield table_row(built, label, architecture, list(seeds_of(asked)))
    yield NOTES.rstrip()
    yield from streak_table(BuiltFeatures(asked.folder, "all").features)


def streak_table(features: Artifact) -> Iterator[str]:
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
        now = seen[users] + prior_sums(users, order, np.ones_like(given))
        score = ((liked[users] + prior_sums(users, order, given)) / now).astype(np.float32)
        area = logit_auc(torch.from_numpy(score), torch.from_numpy(given.astype(np.float32)))
        yield f"| {name} | {area:.4f} | {gauc(given, users, score).value:.4f} |"


def prior_sums(
    users: NDArray[np.int64], order: NDArray[np.intp], values: NDArray[np.int8]
) -> NDArray[np.int64]:
    """Sums [rows] of the same user's `values` [rows] in the rows before each, int64.

    `users` [rows] are codes; `order` [rows] sorts the rows by user, then time.
    """
    ordered = values[order].astype(np.int64)
    sums = np.cumsum(ordered) - ordered
    _, first = np.unique(users[order], return_index=True)
    found = np.empty_like(sums)
    found[order] = sums - sums[first][users[order]]
    return found


@dataclass(frozen=True)
class BuiltFeatures:
    """The FeatureSet with the counters of this name, below a folder."""

    folder: Path
    counted: str

    @cached_property
    def settings(self) -> tuple[str, ...]:
        """What is set of the scenario."""
        label = '{column = "is_click", tasks = {long_view = {column = "long_view"}}}'
        texts = (
            "{" + ", ".join(f"{key} = {json.dumps(value)}" for key, value in one.items()) + "}"
            for one in ({"window_days": 14, **setting} for setting in counters(self.counted))
        )
        return f"label={label}", f"features.counters=[{', '.join(texts)}]"

    @property
    def section(self) -> Features:
        """The scenario's [features]."""
        return scenario.load_scenario(SCENARIO, list(self.settings)).features

    @cached_property
    def features(self) -> Artifact:
        """The FeatureSet, built where it is not there yet."""
        name = self.counted.replace(" ", "-").replace(",", "")
        events, report = {"events": "events"}, {"validation": "report"}
        runner = VerbRunner(SCENARIO, self.folder, self.settings)
        runner.seal("clean_events", {}, "events")
        runner.seal("validate_events", events, "report")
        runner.seal("build_features", events | report, name)
        return open_artifact(str(self.folder / name), "FeatureSet")


def table_row(built: BuiltFeatures, label: str, architecture: str, seeds: Sequence[int]) -> str:
    """A line of the table: three trainings."""
    schema = built.features.read("schema.json", FeatureSchema)
    sets = {name: load_split(built.features, name) for name in ("train", "tune", "confirm")}
    alone = {name: with_label(one, schema, label) for name, one in sets.items()}
    training = Training.model_validate({**TRAINING, "architecture": architecture})
    schema_alone = replace(schema, tasks=())
    runs = [train_and_test(built, schema_alone, alone, training, seed) for seed in seeds]
    areas = ", ".join(f"{one.auc:.4f}" for one in runs)
    within, moment, seconds = (
        mean(getattr(one, name) for one in runs) for name in ("gauc", "at_one_moment", "seconds")
    )
    return (
        f"| {label} | {built.counted} | {len(schema.inputs)} | {architecture} | {areas} | "
        f"{mean(one.auc for one in runs):.4f} | {LIGHTGBM[label]:.4f} | {within:.4f} | "
        f"{moment:.4f} | {seconds:.0f} |"
    )


def with_label(rows: Split, schema: FeatureSchema, label: str) -> Split:
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


def train_and_test(
    built: BuiltFeatures,
    schema: FeatureSchema,
    sets: dict[str, Split],
    training: Training,
    seed: int,
) -> Figures:
    """Train, and score the confirm days."""
    model, confirm = new_model(schema, training, seed), sets["confirm"]
    started = time.monotonic()
    train(model, sets["train"], sets["tune"], TrainingContext(training, seed, best_device()))
    seconds = time.monotonic() - started
    labels, users = confirm.labels.numpy().astype(np.int8), codes(built.features, (USER,))
    scores = predict(model, confirm.inputs)
    frozen = predict(model, at_one_moment(built, schema, confirm))
    within, moment = (gauc(labels, users, found.numpy()).value or 0.0 for found in (scores, frozen))
    return Figures(logit_auc(scores, confirm.labels), within, moment, seconds)


def at_one_moment(built: BuiltFeatures, schema: FeatureSchema, confirm: Split) -> Inputs:
    """Inputs [rows] of the confirm days; a user's counters are as at the first row of their key."""
    inputs = confirm.inputs.clone()
    column = {f.name: inputs.ids[:, n] for n, f in enumerate(schema.fields)}
    column |= {f.name: inputs.numbers[:, n] for n, f in enumerate(schema.numbers)}
    for counter in built.section.counters:
        if USER in counter.keys:
            _, first, key = np.unique(
                codes(built.features, counter.keys), return_index=True, return_inverse=True
            )
            for field in counter.fields:
                now = column[field.name]
                now.copy_(now[torch.from_numpy(first[key])])
    return inputs


def codes(features: Artifact, keys: Sequence[str]) -> NDArray[np.int64]:
    """Int64 [rows]: a number for every key of the confirm rows, in the order of their days."""
    table = confirm_rows(features, [VALUE_PREFIX + key for key in keys])
    spelled = ["\t".join(map(str, row)) for row in zip(*table.to_pydict().values(), strict=True)]
    return np.unique(spelled, return_inverse=True)[1].astype(np.int64)


def confirm_rows(features: Artifact, columns: list[str]) -> pa.Table:
    """A table of these columns of the confirm rows: [rows, columns]."""
    files = part_files(features, "confirm")
    return pa.concat_tables(pq.read_table(f, columns=columns, partitioning=None) for f in files)


BENCHMARK = Benchmark(
    title="KuaiRand: AUC by what is counted, and by architecture",
    figures=figures,
    page=lambda _asked: "kuairand",
    seeds=3,
)

"""Bytes of whole packages of Frappe_x1, file by file, beside the AUC that they keep.

    python infra/bench/bytes.py FRAPPE [--only RECIPE,..] [--seeds 3] [--output PAGE]

FRAPPE is the folder of Frappe_x1 (see `accuracy.py`), whose vocabulary is its values' own. The
dense model is `accuracy.py`'s DLRM, in float32 and with every row; every package is loaded by the
client and scores the test set's raw values.
"""

import argparse
import platform
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch
from pyarrow import csv

from accuracy import SETTINGS, SHARED
from secateur.artifacts import create
from secateur.contracts.candidates import DENSE, Recipe, Student
from secateur.model.architectures import new_model
from secateur.model.batches import Split
from secateur.model.metrics import auc
from secateur.model.recommender import Recommender
from secateur.model.training import train
from secateur.packaging.assembly import write_package
from secateur.packaging.source import Source
from secateur.pruning.evidence import Evidence
from secateur.pruning.recipes import Workshop, carry_out
from secateur.scenario import Training
from secateur.serving.scorer import load
from training_sets import Rows, read_frappe

ARCHITECTURE = "dlrm"
GOLDEN_ROWS = 64
SMALL = Student(embedding_dim=16, hidden=(64, 32), min_count=1)
INT8 = Recipe("int8", embedding_bits=8, tower_bits=8)
STUDENT = Recipe("student_8", (), 20, 8, 8, SMALL, vocabulary="ascending")
AWARE = replace(STUDENT, embedding_bits=4, rounded_epochs=5, first_order_bits=6)
RECIPES = (
    Recipe(DENSE),
    INT8,
    replace(INT8, name="int8_ascending", vocabulary="ascending"),
    STUDENT,
    replace(STUDENT, name="student_4", embedding_bits=4),
    replace(AWARE, name="student_4_aware"),
    replace(AWARE, name="student_3_aware", embedding_bits=3, tower_bits=5),
    replace(AWARE, name="student_2_aware", embedding_bits=2, tower_bits=5),
    replace(AWARE, name="student_mixed", tower_bits=5, rare_bits=2, rare_count=20),
    replace(STUDENT, name="student_product", embedding_bits=8, product_parts=4),
)


@dataclass(frozen=True)
class Log:
    """Frappe as a night has it: values by falling train counts, which are theirs."""

    rows: Rows
    values: dict[str, list[str]]
    counts: dict[str, list[int]]

    @property
    def evidence(self) -> Evidence:
        """Training counts, and the valid set as the holdout."""
        counts = tuple(np.append(c, 0) for c in self.counts.values())
        return Evidence(counts, self.rows.held)

    def source(self) -> Source:
        """What a package takes of it."""
        golden = {name: column[:GOLDEN_ROWS] for name, column in self.raw(self.rows.test).items()}
        facts = {"days": {"train": ["given"]}, "rows": {"train": len(self.rows.train)}}
        return Source(self.rows.schema, self.values, golden, facts, self.counts)

    def raw(self, split: Split) -> dict[str, list[str]]:
        """The raw values of a split's rows."""
        columns = zip(self.values.items(), split.inputs.ids.numpy().T, strict=True)
        return {name: [values[i] for i in ids.tolist()] for (name, values), ids in columns}


def read_log(folder: Path) -> Log:
    """Give Frappe's ids the order of a FeatureSet."""
    rows = read_frappe(folder)
    vocabulary = csv.read_csv(pa.input_stream(str(folder / "vocab.csv.zst"), compression="zstd"))
    fields = [field.name for field in rows.schema.categories]
    spelled = vocabulary.to_pydict()
    own: dict[str, list[str]] = {name: [] for name in fields}
    for name, value in zip(spelled["field"], spelled["value"], strict=True):
        own[name].append(str(value))
    splits = (rows.train, rows.held, rows.test)
    ranks, values, counts = [], {}, {}
    for place, field in enumerate(rows.schema.categories):
        seen = np.bincount(rows.train.inputs.ids[:, place].numpy(), minlength=field.oov)
        order = np.argsort(-seen, kind="stable")
        ranks.append(np.argsort(order))
        values[field.name] = [own[field.name][i] for i in order]
        counts[field.name] = seen[order].tolist()
    ranked = [_ranked(split, ranks) for split in splits]
    train_rows, held, test = ranked
    return Log(replace(rows, train=train_rows, held=held, test=test), values, counts)


def _ranked(split: Split, ranks: list[np.ndarray]) -> Split:
    ids = split.inputs.ids.numpy()
    columns = [rank[ids[:, place]] for place, rank in enumerate(ranks)]
    found = torch.from_numpy(np.stack(columns, 1).astype(np.int32))
    return replace(split, inputs=replace(split.inputs, ids=found))


def dense_of(log: Log, training: Training, seed: int) -> Recommender:
    """The dense model."""
    model = new_model(log.rows.schema, training, seed)
    train(model, log.rows.train, log.rows.held, training, seed, lambda _rows, _note: None)
    return model


def package(folder: Path, recipe: Recipe, model: Recommender, log: Log) -> dict[str, int]:
    """Write a package; bytes of each of its files."""
    with create(folder.as_uri(), "Package") as draft:
        calibration = log.rows.held.inputs.slice(0, 10_000)
        write_package(draft, model, recipe, log.source(), calibration, "Frappe_x1")
    return {path.name: path.stat().st_size for path in folder.iterdir() if path.name[0] != "."}


def main() -> None:
    """Train, prune, package, score, and write the page."""
    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("frappe", type=Path)
    flags.add_argument("--only", default=",".join(recipe.name for recipe in RECIPES))
    flags.add_argument("--seeds", type=int, default=3)
    flags.add_argument("--output", type=Path, default=Path(__file__).with_suffix(".md"))
    asked = flags.parse_args()
    recipes = [recipe for recipe in RECIPES if recipe.name in asked.only.split(",")]
    lines = []
    for line in page(read_log(asked.frappe), recipes, asked.seeds):
        print(line, flush=True)  # noqa: T201
        lines.append(line)
    asked.output.write_text("\n".join(lines) + "\n")


def page(log: Log, recipes: list[Recipe], seeds: int) -> Iterator[str]:
    """The page's lines, as they are measured."""
    yield "# Bytes of Frappe_x1's packages\n"
    yield f"`make bench-bytes FRAPPE=<folder>`, {platform.machine()}, torch {torch.__version__}.\n"
    yield "| package | seed | AUC test | relative to dense | bytes | ratio | files | seconds |"
    yield "|---|--:|--:|--:|--:|--:|---|--:|"
    settings = {"architecture": ARCHITECTURE} | SHARED | SETTINGS[ARCHITECTURE]
    training = Training.model_validate(settings)
    for seed in range(1, seeds + 1):
        dense = dense_of(log, training, seed)
        workshop = Workshop(log.rows.train, log.evidence, training, seed)
        yield from table(recipes, dense, log, workshop)


def table(recipes: list[Recipe], dense: Recommender, log: Log, workshop: Workshop) -> Iterator[str]:
    """A line a recipe; the first of them is dense."""
    base: tuple[float, int] | None = None
    raw, labels = log.raw(log.rows.test), log.rows.test.labels
    for recipe in recipes:
        started = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="secateur-bytes-") as temporary:
            folder = Path(temporary) / "package"
            model = carry_out(recipe, dense, workshop).model
            files = package(folder, recipe, model, log)
            area = auc(torch.from_numpy(load(folder).score(raw)), labels)
        whole = sum(files.values())
        base = base or (area, whole)
        each = ", ".join(f"{name} {size:,}" for name, size in sorted(files.items()))
        lost = f"{100 * (area / base[0] - 1):+.3f} %"
        yield (
            f"| {recipe.name} | {workshop.seed} | {area:.4f} | {lost} | {whole:,} | "
            f"{base[1] / whole:.1f} | {each} | {time.monotonic() - started:.0f} |"
        )


if __name__ == "__main__":
    main()

"""Bytes of whole packages, file by file, beside the AUC that they keep.

    python infra/bench/bytes.py [--frappe FOLDER] [--zipf ROWS] [--only RECIPE,..] [--seeds 3]
        [--output PAGE]

FOLDER is that of Frappe_x1 (see `accuracy.py`), whose vocabulary is its values' own, and whose
dense model is `accuracy.py`'s DLRM. ROWS of ids of Zipf's law in ten fields have 1.3 million
features, tokens of 8 hex digits, and a DeepFM (16 dimensions, 3x400). Dense is float32 with every
value that training saw. Every package is loaded by the client and scores the test set's raw values.
"""

import argparse
import platform
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch
from pyarrow import csv

from accuracy import SETTINGS, SHARED
from secateur.artifacts import create
from secateur.contracts.candidates import DENSE, Recipe, Step, Student
from secateur.contracts.models import ModelSpec
from secateur.model.architectures import new_model
from secateur.model.batches import Split
from secateur.model.metrics import auc
from secateur.model.recommender import Recommender
from secateur.model.training import train
from secateur.packaging.assembly import write_package
from secateur.packaging.source import Source
from secateur.pruning.evidence import Evidence
from secateur.pruning.recipes import Pruned, Workshop, carry_out
from secateur.scenario import Training
from secateur.serving import codes, packing
from secateur.serving.codes import ZERO, Segment
from secateur.serving.scorer import load
from training_sets import Rows, read_frappe, schema_of, zipf

GOLDEN_ROWS = 64
FEATURES = 1_300_000
INT8 = Recipe("int8", embedding_bits=8, tower_bits=8)
STUDENT = Recipe(
    "student_8",
    repair_epochs=20,
    embedding_bits=8,
    tower_bits=8,
    student=Student(embedding_dim=16, hidden=(64, 32), min_count=1),
    vocabulary="ascending",
)
CUT = (
    Step("embedding_dimension", "l2", keep=0.6),
    Step("neuron", "taylor", keep=0.3),
)
AFTER = Recipe("cut_4", CUT, 0, 4, 4, first_order_bits=6, vocabulary="ascending")
# Without a pull on the tables a repair learns Frappe's train rows by heart.
REPAIR = {"table_l2": 0.01, "patience": 9}
OF_FRAPPE = (
    Recipe(DENSE),
    replace(INT8, name="int8_ascending", vocabulary="ascending"),
    STUDENT,
    AFTER,
    replace(AFTER, name="cut_4_aware", rounded_epochs=10),
    replace(AFTER, name="cut_3_aware", rounded_epochs=10, embedding_bits=3),
    replace(AFTER, name="cut_mixed", rounded_epochs=10, rare_bits=2, rare_count=20),
)
HIDDEN = (400, 400, 400)
# What one would serve without pruning: of the values only those seen often, everything in float32.
FILTERED = tuple(
    Recipe(
        f"min_count_{count} (dense)",
        student=Student(16, HIDDEN, count, alone=True),
        repair_epochs=1,
    )
    for count in (5, 10, 20)
)
ROWS = Step("embedding_row", "frequency", min_count=5)
SMALL = Recipe(
    "hybrid",
    (
        ROWS,
        Step("neuron", "contribution", keep=0.1),
        Step("embedding_dimension", "frequency_l2", keep=0.125),
    ),
    repair_epochs=1.0,
    embedding_bits=4,
    first_order_bits=7,
    tower_bits=8,
    rounded_epochs=2.0,
    vocabulary="ascending",
)
OF_ZIPF = (
    Recipe(DENSE),
    *FILTERED,
    replace(INT8, name="int8_ascending", vocabulary="ascending"),
    replace(SMALL, name="rows_4", steps=(ROWS,), repair_epochs=0, rounded_epochs=0),
    SMALL,
    replace(
        SMALL,
        name="small dense, distilled (control)",
        steps=(),
        student=Student(2, (40, 40, 40), 5),
        rounded_epochs=0,
        repair_epochs=3.0,
    ),
)
ZIPF = {"embedding_dim": 16, "hidden": HIDDEN, "batch_size": 1024, "threads": 2}


@dataclass(frozen=True)
class Log:
    """A set as a night has it: the values that training saw by falling counts, which are theirs."""

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
        few = replace(self.rows.test, inputs=self.rows.test.inputs.slice(0, GOLDEN_ROWS))
        facts = {"days": {"train": ["given"]}, "rows": {"train": len(self.rows.train)}}
        return Source(self.rows.schema, self.values, self.raw(few), facts, self.counts)

    def raw(self, split: Split) -> dict[str, list[str | None]]:
        """The raw values of a split's rows; None where training saw no such value."""
        columns = zip(self.values.items(), split.inputs.ids.numpy().T, strict=True)
        return {
            name: np.array([*values, None], object)[ids].tolist() for (name, values), ids in columns
        }


def read_log(folder: Path) -> Log:
    """Frappe_x1, its values spelled as it spells them."""
    rows = read_frappe(folder)
    table = csv.read_csv(pa.input_stream(str(folder / "vocab.csv.zst"), compression="zstd"))
    own: dict[str, list[str]] = {field.name: [] for field in rows.schema.categories}
    for name, value in zip(table["field"].to_pylist(), table["value"].to_pylist(), strict=True):
        own[name].append(str(value))
    return log_of(rows, own)


def zipf_log(rows: int) -> Log:
    """Ids of Zipf's law; what they are worth is planted."""
    made = zipf(FEATURES, rows)
    drawn = np.random.default_rng(1).choice(1 << 32, FEATURES // 10 + 1, replace=False)
    tokens = [f"{token:08x}" for token in drawn.tolist()]
    return log_of(made, {field.name: tokens for field in made.schema.categories})


def log_of(rows: Rows, own: dict[str, list[str]]) -> Log:
    """Give ids the order of a FeatureSet; `own[field]` spells the ids as they are."""
    ranks, values, counts = [], {}, {}
    for place, (name, spelled) in enumerate(own.items()):
        seen = np.bincount(rows.train.inputs.ids[:, place].numpy(), minlength=len(spelled))
        order = np.argsort(-seen, kind="stable")[: np.count_nonzero(seen)]
        rank = np.full(len(seen) + 1, len(order))
        rank[order] = np.arange(len(order))
        ranks.append(rank)
        values[name] = [spelled[i] for i in order]
        counts[name] = seen[order].tolist()
    sizes = {name: len(known) + 1 for name, known in values.items()}
    train_rows, held, test = (_ranked(s, ranks) for s in (rows.train, rows.held, rows.test))
    schema = schema_of(rows.schema.scenario, sizes)
    return Log(Rows(rows.name, schema, train_rows, held, test), values, counts)


def _ranked(split: Split, ranks: Sequence[np.ndarray]) -> Split:
    ids = split.inputs.ids.numpy()
    columns = [rank[ids[:, place]] for place, rank in enumerate(ranks)]
    found = torch.from_numpy(np.stack(columns, 1).astype(np.int32))
    return replace(split, inputs=replace(split.inputs, ids=found))


def dense_of(log: Log, training: Training, seed: int) -> Recommender:
    """The dense model."""
    model = new_model(log.rows.schema, training, seed)
    train(model, log.rows.train, log.rows.held, training, seed, lambda _rows, _note: None)
    return model


def package(
    folder: Path, recipe: Recipe, pruned: Pruned, dense: ModelSpec, log: Log
) -> dict[str, int]:
    """Write a package; bytes of each of its files."""
    with create(folder.as_uri(), "Package") as draft:
        calibration = pruned.inputs(log.rows.held.inputs.slice(0, 10_000), dense)
        source = log.source().keeping(pruned.kept_ids(dense))
        write_package(draft, pruned.model, recipe, source, calibration, log.rows.name)
    return {path.name: path.stat().st_size for path in folder.iterdir() if path.name[0] != "."}


def main() -> None:
    """Train, prune, package, score, and write the page."""
    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("--frappe", type=Path)
    flags.add_argument("--zipf", type=int, metavar="ROWS")
    flags.add_argument("--only", default="")
    flags.add_argument("--seeds", type=int, default=3)
    flags.add_argument("--output", type=Path, default=Path(__file__).with_suffix(".md"))
    asked = flags.parse_args()
    lines = []
    for line in page(asked):
        print(line, flush=True)  # noqa: T201
        lines.append(line)
    asked.output.write_text("\n".join(lines) + "\n")


def page(asked: argparse.Namespace) -> Iterator[str]:
    """The page's lines, as they are measured."""
    yield "# Bytes of whole packages\n"
    yield f"`make bench-bytes`, {platform.machine()}, torch {torch.__version__}, 2 threads. Ratios"
    yield "and losses of AUC (relative, on the test set) are to the dense package, float32 and of"
    yield "all values that training saw, of the same seed. Recipes were chosen on seed 1.\n"
    yield from decoding()
    if asked.frappe:
        settings = {"architecture": "dlrm"} | SHARED | SETTINGS["dlrm"]
        yield from section(read_log(asked.frappe), settings, OF_FRAPPE, asked)
    if asked.zipf:
        yield from section(zipf_log(asked.zipf), ZIPF, OF_ZIPF, asked)


def decoding(rows: int = 1_000_000, width: int = 17) -> Iterator[str]:
    """How fast a table of 4-bit codes is unpacked, either way that it may be stored."""
    values = np.clip(np.rint(np.random.default_rng(0).laplace(0, 1.5, (rows, width))), -7, 7)
    table = (values + ZERO).astype(np.uint8)
    by_rans = codes.pack(table, [Segment(rows, 7, 1, 7, 1)])
    header, _ = packing.unpack(by_rans, "table")
    plain = packing.pack(header | {"coding": "bytes"}, (table - ZERO + 7).T.tobytes())
    yield f"A table of {rows:,} x {width} 4-bit codes is unpacked at"
    for name, packed in (("rans", by_rans), ("zstandard alone", plain)):
        started = time.monotonic()
        codes.unpack(*packing.unpack(packed, "table"), rows, "table")
        speed = table.nbytes / (time.monotonic() - started) / 1e6
        yield f"{speed:.0f} MB/s of {8 * len(packed) / table.size:.3f} bits a code by {name}" + (
            ", and" if name == "rans" else ".\n"
        )


def section(
    log: Log, settings: dict[str, object], recipes: Sequence[Recipe], asked: argparse.Namespace
) -> Iterator[str]:
    """A table of one set's packages."""
    wanted = asked.only.split(",") if asked.only else [recipe.name for recipe in recipes]
    training = Training.model_validate(settings)
    yield f"## {log.rows.name}\n"
    yield "| package | seed | AUC valid | AUC test | to dense | bytes | ratio | files | seconds |"
    yield "|---|--:|--:|--:|--:|--:|--:|---|--:|"
    for seed in range(1, asked.seeds + 1):
        dense = dense_of(log, training, seed)
        repairing = training.model_copy(update=REPAIR if training.table_l2 else {})
        workshop = Workshop(log.rows.train, log.evidence, repairing, seed)
        chosen = [recipe for recipe in recipes if recipe.name in (DENSE, *wanted)]
        yield from table(chosen, dense, log, workshop)
    yield ""


def table(
    recipes: Sequence[Recipe], dense: Recommender, log: Log, workshop: Workshop
) -> Iterator[str]:
    """A line a recipe; the first of them is dense."""
    base: tuple[float, int] | None = None
    splits = [(log.raw(split), split.labels) for split in (log.rows.held, log.rows.test)]
    for recipe in recipes:
        started = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="secateur-bytes-") as temporary:
            folder = Path(temporary) / "package"
            pruned = carry_out(recipe, dense, workshop)
            files = package(folder, recipe, pruned, dense.spec, log)
            scorer = load(folder)
            held, area = (auc(torch.from_numpy(scorer.score(raw)), y) for raw, y in splits)
        whole = sum(files.values())
        base = base or (area, whole)
        each = ", ".join(f"{name} {size:,}" for name, size in sorted(files.items()))
        lost = f"{100 * (area / base[0] - 1):+.3f} %"
        yield (
            f"| {recipe.name} | {workshop.seed} | {held:.4f} | {area:.4f} | {lost} | {whole:,} | "
            f"{base[1] / whole:.1f} | {each} | {time.monotonic() - started:.0f} |"
        )


if __name__ == "__main__":
    main()

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
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from accuracy import SETTINGS, SHARED
from logs import Log, read_log, zipf_log
from secateur.contracts.candidates import DENSE, Recipe, Step, Student
from secateur.model.training.metrics import logit_auc
from secateur.scenario import Training
from secateur.serving.files import compression, row_codes
from secateur.serving.files.row_codes import ZERO, Segment
from secateur.serving.scorer import load
from subjects import Subject, of_log

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
    yield "all values that training saw, of the same seed. Recipes were chosen on seed 1,"
    yield "Frappe's with a look at its test set.\n"
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
    by_rans = row_codes.pack(table, [Segment(rows, 7, 1, 7, 1)])
    header, _ = compression.unpack(by_rans, "table")
    plain = compression.pack(header | {"coding": "bytes"}, (table - ZERO + 7).T.tobytes())
    yield f"A table of {rows:,} x {width} 4-bit codes is unpacked at"
    for name, packed in (("rans", by_rans), ("zstandard alone", plain)):
        started = time.monotonic()
        row_codes.unpack(*compression.unpack(packed, "table"), rows, "table")
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
    repairing = training.model_copy(update=REPAIR if training.table_l2 else {})
    yield f"## {log.rows.name}\n"
    yield "| package | seed | AUC valid | AUC test | to dense | bytes | ratio | files | seconds |"
    yield "|---|--:|--:|--:|--:|--:|--:|---|--:|"
    chosen = [recipe for recipe in recipes if recipe.name in (DENSE, *wanted)]
    for seed in range(1, asked.seeds + 1):
        yield from table(chosen, of_log(log, training, repairing, seed), log)
    yield ""


def table(recipes: Sequence[Recipe], subject: Subject, log: Log) -> Iterator[str]:
    """A line a recipe; the first of them is dense."""
    base: tuple[float, int] | None = None
    splits = [(log.raw(split), split.labels) for split in (log.rows.held, log.rows.test)]
    for recipe in recipes:
        started = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="secateur-bytes-") as temporary:
            folder = Path(temporary) / "package"
            whole = subject.package(recipe, subject.prune(recipe), folder)
            files = {path.name: path.stat().st_size for path in folder.iterdir()}
            scorer = load(folder)
            held, area = (logit_auc(torch.from_numpy(scorer.score(raw)), y) for raw, y in splits)
        base = base or (area, whole)
        each = ", ".join(f"{name} {n:,}" for name, n in sorted(files.items()) if name[0] != ".")
        lost = f"{100 * (area / base[0] - 1):+.3f} %"
        yield (
            f"| {recipe.name} | {subject.workshop.seed} | {held:.4f} | {area:.4f} | {lost} | "
            f"{whole:,} | {base[1] / whole:.1f} | {each} | {time.monotonic() - started:.0f} |"
        )


if __name__ == "__main__":
    main()

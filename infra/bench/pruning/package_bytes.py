"""Bytes of whole packages, file by file, beside the AUC that they keep.

Frappe_x1's vocabulary is its values' own, and its dense model the DLRM of `accuracy`. Rows of ids
of Zipf's law have 1.3 million features in ten fields, spelled by 8 hex digits, and a DeepFM (16
dimensions, 3x400). Dense is float32 with every value that training saw. Every package is loaded by
the client and scores the test set's raw values.
"""

import argparse
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch

from bench.data.frappe import frappe_log
from bench.data.raw_values import Log
from bench.data.zipf import zipf_log
from bench.pruning.recipes import FRAPPE, ZIPF, Setup
from bench.pruning.subjects import Subject, subject_of_log
from bench.pruning.whole_gate import AUC_MARGIN, against_dense, judged_rows
from bench.runner import Asked, Benchmark, seeds_of
from secateur.auc import Scores
from secateur.contracts.candidates import DENSE, Recipe
from secateur.model.training.metrics import logit_auc
from secateur.serving.files import compression, row_codes
from secateur.serving.files.row_codes import ZERO, Segment
from secateur.serving.scorer import load


def add_flags(flags: argparse.ArgumentParser) -> None:
    """Which sets, and which recipes of theirs."""
    flags.add_argument("--frappe", type=Path, metavar="FOLDER")
    flags.add_argument("--zipf", type=int, metavar="ROWS")
    flags.add_argument("--only", default="", metavar="RECIPE,...", help="besides the dense one")


def figures(asked: Asked) -> Iterator[str]:
    """A section a set."""
    yield "Ratios and losses of AUC (relative, on the test set) are to the dense package, float32"
    yield "and of all values that training saw, of the same seed. Recipes were chosen on seed 1,"
    yield "Frappe's with a look at its test set. The gate is what a night would say of one package"
    yield f"at 95 %, by the default margins and one of {AUC_MARGIN} for AUC.\n"
    yield from unpacking_speed()
    if asked.frappe:
        yield from set_section(frappe_log(asked.frappe), FRAPPE, asked)
    if asked.zipf:
        yield from set_section(zipf_log(asked.zipf), ZIPF, asked)


def unpacking_speed(rows: int = 1_000_000, width: int = 17) -> Iterator[str]:
    """How fast a table of 4-bit codes is unpacked, either way that it may be stored."""
    values = np.clip(np.rint(np.random.default_rng(0).laplace(0, 1.5, (rows, width))), -7, 7)
    table = (values + ZERO).astype(np.uint8)
    by_rans = row_codes.pack_codes(table, [Segment(rows, 7, 1, 7, 1)])
    header, _ = compression.unpack(by_rans, "table")
    plain = compression.pack(header | {"coding": "bytes"}, (table - ZERO + 7).T.tobytes())
    yield f"A table of {rows:,} x {width} 4-bit codes is unpacked at"
    for name, packed, end in (("rans", by_rans, ", and"), ("zstandard alone", plain, ".\n")):
        started = time.monotonic()
        row_codes.unpack_codes(*compression.unpack(packed, "table"), rows, "table")
        speed = table.nbytes / (time.monotonic() - started) / 1e6
        yield f"{speed:.0f} MB/s of {8 * len(packed) / table.size:.3f} bits a code by {name}{end}"


def set_section(log: Log, setup: Setup, asked: Asked) -> Iterator[str]:
    """A table of one set's packages."""
    yield f"## {log.splits.name}\n"
    yield (
        "| package | seed | AUC valid | AUC test | to dense | bytes | ratio | log-loss to dense "
        "| miscalibration to dense | the gate | files | seconds |"
    )
    yield "|---|--:|--:|--:|--:|--:|--:|---|---|---|---|--:|"
    only = asked.only.split(",") if asked.only else [recipe.name for recipe in setup.recipes]
    recipes = [recipe for recipe in setup.recipes if recipe.name in (DENSE, *only)]
    for seed in seeds_of(asked):
        folder = asked.folder / f"{log.splits.schema.scenario}-{seed}"
        yield from package_rows(recipes, subject_of_log(log, setup, seed), log, folder)
    yield ""


def package_rows(
    recipes: Sequence[Recipe], subject: Subject, log: Log, folder: Path
) -> Iterator[str]:
    """A line a recipe; the first of them is dense."""
    dense: tuple[float, int, Scores] | None = None
    rows, (held, test) = judged_rows(log.splits), (log.splits.held, log.splits.test)
    raw_held, raw_test = log.raw(held), log.raw(test)
    for number, recipe in enumerate(recipes):
        started = time.monotonic()
        package = folder / str(number)
        size = subject.package(recipe, subject.prune(recipe), package)
        scorer = load(package)
        scores = scorer.score(raw_test)
        on_held, on_test = (
            logit_auc(torch.from_numpy(found), split.labels)
            for found, split in ((scorer.score(raw_held), held), (scores, test))
        )
        is_dense = dense is None
        dense = dense or (on_test, size, scores)
        gate = "||" if is_dense else against_dense(rows, dense[2], scores, subject.context.seed)
        files = sorted((path.name, path.stat().st_size) for path in package.iterdir())
        listed = ", ".join(f"{name} {n:,}" for name, n in files if name[0] != ".")
        yield (
            f"| {recipe.name} | {subject.context.seed} | {on_held:.4f} | {on_test:.4f} | "
            f"{100 * (on_test / dense[0] - 1):+.3f} % | {size:,} | {dense[1] / size:.1f} | "
            f"{gate} | {listed} | "
            f"{time.monotonic() - started:.0f} |"
        )


BENCHMARK = Benchmark(
    title="Bytes of whole packages",
    figures=figures,
    page=lambda _asked: "package_bytes",
    add_flags=add_flags,
    seeds=3,
)

"""A package whose table is memory-mapped beside the same one packed: memory, loading, latency.

One category of many values and 16 dimensions, drawn at random. Each figure is of processes of
their own, in turns: how much anonymous memory, which no file backs, one grows by, how long loading
takes with the file in the page cache, and how long a request of random candidates takes.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median

import torch

from bench.processes import service_environment
from bench.runner import Asked, Benchmark
from secateur.artifacts import create
from secateur.contracts.candidates import Recipe
from secateur.contracts.features import CategoryField, FeatureSchema
from secateur.model.architectures.registry import new_model
from secateur.model.data.inputs import Inputs
from secateur.packaging.assembly import write_package
from secateur.packaging.source import HeldOut, Source
from secateur.scenario import Training
from secateur.serving.files import layout, tables

CHILD = """
import json, sys, time
import numpy as np
from secateur.serving.scorer import load
import onnxruntime, zstandard

def anonymous():
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon:")) << 10

before, began = anonymous(), time.perf_counter()
scorer = load(sys.argv[1])
told = {"load": time.perf_counter() - began}
rng = np.random.default_rng(0)
for rows, times in ((1, 2000), (256, 500)):
    asked = [[str(n) for n in rng.integers(0, int(sys.argv[2]), rows)] for _ in range(times)]
    taken = []
    for values in asked:
        began = time.perf_counter()
        scorer.score({"item": values})
        taken.append(time.perf_counter() - began)
    told[f"p50 of {rows}"], told[f"p99 of {rows}"] = np.percentile(taken, [50, 99]).tolist()
told["memory"] = anonymous() - before
print(json.dumps(told))
"""
KINDS = {"packed": layout.TABLE, "mapped": layout.MAPPED_TABLE}


def add_flags(flags: argparse.ArgumentParser) -> None:
    """How many rows, how often."""
    flags.add_argument("--rows", type=int, default=500_000)
    flags.add_argument("--rounds", type=int, default=3)


def figures(asked: Asked) -> Iterator[str]:
    """A line a kind; medians of the rounds."""
    folders = {kind: asked.folder / kind for kind in KINDS}
    for kind, folder in folders.items():
        _write(folder, asked.rows, kind)
    found: dict[str, list[Mapping[str, float]]] = {kind: [] for kind in KINDS}
    for _ in range(asked.rounds):
        for kind, folder in folders.items():
            found[kind].append(_run(folder, asked.rows))
    yield f"{asked.rows:,} rows, {asked.rounds} rounds in turns: medians.\n"
    yield "| table | file | memory | load | 1 row p50 | p99 | 256 rows p50 | p99 |"
    yield "|---|--:|--:|--:|--:|--:|--:|--:|"
    for kind, runs in found.items():
        size = (folders[kind] / KINDS[kind]).stat().st_size
        yield f"| {kind} | {size / 1e6:.1f} MB | {' | '.join(_cells(runs))} |"


def _cells(runs: Sequence[Mapping[str, float]]) -> Iterator[str]:
    yield f"{median(run['memory'] for run in runs) / 1e6:.1f} MB"
    yield f"{median(run['load'] for run in runs):.2f} s"
    for name in ("p50 of 1", "p99 of 1", "p50 of 256", "p99 of 256"):
        yield f"{median(run[name] for run in runs) * 1e6:.0f} µs"


def _run(folder: Path, rows: int) -> Mapping[str, float]:
    command = [sys.executable, "-c", CHILD, str(folder), str(rows)]
    ran = subprocess.run(command, env=service_environment({}), capture_output=True, check=True)
    found: Mapping[str, float] = json.loads(ran.stdout)
    return found


def _write(folder: Path, rows: int, kind: str) -> None:
    """A package of one category with `rows` values, whose weights are drawn."""
    tables.MAPPED_BYTES = 0 if kind == "mapped" else 1 << 62
    field = CategoryField("item", "item", rows + 1, 1)
    schema = FeatureSchema("shop", "bought", (field,), (), "")
    model = new_model(schema, Training(embedding_dim=16, hidden=(64,)), seed=1).eval()
    inputs = Inputs.of_ids(torch.tensor([[field.oov]] * 2, dtype=torch.int32))
    words = {"item": [str(number) for number in range(rows)]}
    facts = {"days": {"train": ["2024-01-01"]}, "rows": {"train": 100}}
    source = Source(schema, words, HeldOut({"item": [None, None]}, inputs), facts)
    recipe = Recipe("drawn", vocabulary="ascending")
    with create(folder.as_uri(), "Package") as draft:
        write_package(draft, model, recipe, source, inputs, "Items")


BENCHMARK = Benchmark(
    title="A memory-mapped table beside a packed one",
    figures=figures,
    page=lambda _asked: "mapped_table",
    add_flags=add_flags,
)

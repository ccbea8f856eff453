"""Seconds and memory of every metric's interval: many candidates on many rows, on this machine.

Where other processes share the cores, the seconds of CPU are what counts: two cores share them.
Memory is what no file holds; rows, scores and what is kept of each row lie in mapped files without
a name, whose pages the system may drop. The last lines say what the largest run comes to at 100 M
rows and 30 candidates: seconds by rows times models, the dense one among them, bytes by rows.
"""

import argparse
import time
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from bench.judgement.own_memory import watch_memory
from bench.judgement.simulated_rows import expit
from bench.runner import Asked, Benchmark
from secateur.auc import Scores
from secateur.judgement.intervals.differences import differences
from secateur.judgement.intervals.resampling import ROUNDS
from secateur.judgement.metrics.scored_rows import JudgedRows
from secateur.judgement.metrics.scratch import row_slices, scratch

ROWS_A_USER, ROWS_AN_ITEM = 10, 20
HEAD = """| rows | candidates | rounds | metrics | seconds | of CPU | MiB of memory | of scratch |
|--:|--:|--:|--:|--:|--:|--:|--:|"""
GOAL_ROWS, GOAL_CANDIDATES = 100_000_000, 30


class Run(NamedTuple):
    """What was compared, and what it took: seconds, and bytes."""

    rows: int
    candidates: int
    metrics: int
    seconds: float
    cpu: float
    memory: int
    scratch: int

    @property
    def row_models(self) -> int:
        """Rows times models, the dense one among them."""
        return self.rows * (self.candidates + 1)


def large_log(rows: int, candidates: int) -> tuple[JudgedRows, Scores, list[Scores]]:
    """Rows in no order of their users, made a part at a time: items by Zipf's law, four days."""
    labels, users, items, moments = (
        scratch(rows, dtype) for dtype in (np.int8, np.int32, np.int32, np.int64)
    )
    scores = [scratch(rows, np.float32) for _ in range(candidates + 1)]
    shares = np.cumsum(1 / np.arange(1, rows // ROWS_AN_ITEM + 1))
    for number, part in enumerate(row_slices(rows)):
        rng, n = np.random.default_rng([7, number]), part.stop - part.start
        users[part] = rng.integers(0, rows // ROWS_A_USER, n)
        items[part] = np.searchsorted(shares, rng.random(n) * shares[-1])
        moments[part] = 4 * users[part].astype(np.int64) + rng.integers(0, 4, n)
        truth = rng.normal(size=n) + 0.5 * np.sin(items[part]) + 0.7 * np.cos(users[part])
        labels[part] = rng.random(n) < expit(truth - 0.8)
        dense = truth - 0.8 + 0.5 * rng.normal(size=n)
        for model, of_model in enumerate(scores):
            errors = 0.1 * rng.normal(size=n) if model else np.zeros(n)
            of_model[part] = expit(dense + errors)
    return JudgedRows(labels, users, items, moments), scores[0], scores[1:]


def measured_run(rows: int, candidates: int, rounds: int) -> Run:
    """Compare once."""
    log, dense, others = large_log(rows, candidates)
    with watch_memory() as memory:
        start, before = time.perf_counter(), time.process_time()
        found = differences(log, dense, others, seed=1, rounds=rounds)
        seconds, cpu = time.perf_counter() - start, time.process_time() - before
    return Run(rows, candidates, len(found[0]), seconds, cpu, memory.anonymous, memory.scratch)


def add_flags(flags: argparse.ArgumentParser) -> None:
    """How much is compared."""
    flags.add_argument("--rows", type=int, default=1_000_000)
    flags.add_argument("--candidates", type=int, default=30)
    flags.add_argument("--rounds", type=int, default=ROUNDS)
    flags.add_argument("--large-rows", type=int, nargs="*", default=[5_000_000, 20_000_000])
    flags.add_argument("--large-candidates", type=int, default=2)


def figures(asked: Asked) -> Iterator[str]:
    """A line a run, and what they come to."""
    yield HEAD
    sizes = [(asked.rows, asked.candidates)]
    sizes += [(rows, asked.large_candidates) for rows in asked.large_rows]
    runs = []
    for rows, candidates in sizes:
        run = measured_run(rows, candidates, asked.rounds)
        runs.append(run)
        yield (
            f"| {run.rows:,} | {run.candidates} | {asked.rounds:,} | {run.metrics} "
            f"| {run.seconds:.0f} | {run.cpu:.0f} | {run.memory >> 20:,} | {run.scratch >> 20:,} |"
        )
    yield from extrapolation(runs[1:])


def extrapolation(runs: list[Run]) -> Iterator[str]:
    """What 100 M rows would take if each took what the last ones of the large runs did."""
    if len(runs) < 2:
        return
    first, last = runs[0], runs[-1]
    memory = (last.memory - first.memory) / (last.rows - first.rows)
    cpu, room = last.cpu / last.row_models, last.scratch / last.rows
    scores = 8 * (GOAL_CANDIDATES - last.candidates)  # as given, and in the order of users
    of_goal = last.memory + memory * (GOAL_ROWS - last.rows)
    yield (
        f"\nA further row of these logs, with a tenth of a user and a twentieth of an item, takes "
        f"{memory:.0f} bytes of memory and {room:.0f} bytes of scratch; a row of one model "
        f"{1e6 * cpu:.1f} us of CPU. At {GOAL_ROWS:,} rows and {GOAL_CANDIDATES} candidates that "
        f"would be {of_goal / 2**30:.1f} GiB of memory, {GOAL_ROWS * (room + scores) / 2**30:.0f} "
        f"GiB of scratch and {GOAL_ROWS * (GOAL_CANDIDATES + 1) * cpu / 3600:.1f} hours of CPU: "
        f"extrapolated, not measured."
    )


BENCHMARK = Benchmark(
    title="How long the gate's intervals take",
    figures=figures,
    page=lambda _asked: "gate_speed",
    add_flags=add_flags,
)

"""Seconds and memory of every metric's interval: many candidates on many rows, on this machine.

Where other processes share the cores, the seconds of CPU are what counts: two cores share them.
"""

import argparse
import resource
import time
from collections.abc import Iterator

import numpy as np

from bench.judgement.simulated_rows import expit, simulate, zipf
from bench.runner import Asked, Benchmark
from secateur.judgement.intervals.differences import differences
from secateur.judgement.intervals.resampling import ROUNDS


def add_flags(flags: argparse.ArgumentParser) -> None:
    """How much is compared."""
    flags.add_argument("--rows", type=int, default=1_000_000)
    flags.add_argument("--candidates", type=int, default=30)
    flags.add_argument("--rounds", type=int, default=ROUNDS)


def figures(asked: Asked) -> Iterator[str]:
    """One line."""
    rng = np.random.default_rng(0)
    users = rng.integers(0, asked.rows // 10, asked.rows)
    rows, dense, _ = simulate(1, users, zipf(rng, asked.rows // 20, asked.rows))
    logits = np.log(dense / (1 - dense))
    candidates = [
        expit(logits + 0.1 * rng.normal(size=asked.rows)).astype(np.float32)
        for _ in range(asked.candidates)
    ]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start, before_cpu = time.perf_counter(), time.process_time()
    found = differences(rows, dense, candidates, seed=1, rounds=asked.rounds)
    seconds, cpu = time.perf_counter() - start, time.process_time() - before_cpu
    more = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    yield "| rows | candidates | rounds | metrics | seconds | of CPU | MiB more |"
    yield "|--:|--:|--:|--:|--:|--:|--:|"
    yield (
        f"| {asked.rows:,} | {asked.candidates} | {asked.rounds:,} | {len(found[0])} "
        f"| {seconds:.0f} | {cpu:.0f} | {more >> 10:,} |"
    )


BENCHMARK = Benchmark(
    title="How long the gate's intervals take",
    figures=figures,
    page=lambda _asked: "gate_speed",
    add_flags=add_flags,
)

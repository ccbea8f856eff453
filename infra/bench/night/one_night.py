"""The night's verbs one after another, without Airflow, and the figures they gave.

The page has seconds and peak memory of every verb, and every candidate beside the dense model of
the same run. Latencies are of one thread, dense and candidate measured in turn within one process;
compare them as ratios, and only within one page. A request says user and context once; "user each
row" is the model's part where it does not.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

from bench.night.verb_chain import run_night
from bench.runner import Asked, Benchmark
from secateur.contracts import record
from secateur.contracts.candidates import DENSE
from secateur.contracts.judgement import Latency, Scorecard, Verdict


def add_flags(flags: argparse.ArgumentParser) -> None:
    """The scenario."""
    flags.add_argument("--scenario", default="short_video")


def figures(asked: Asked) -> Iterator[str]:
    """The verdict, the candidates, and the verbs."""
    run = asked.folder
    costs = list(run_night(asked.scenario, run))
    verdict = record.from_json(Verdict, (run / "verdict" / "verdict.json").read_bytes())
    yield f"Verdict: {verdict.reason}\n"
    yield from candidate_table(run)
    yield "\n| verb | seconds | peak MiB of its processes |\n|---|--:|--:|"
    for cost in costs:
        yield f"| {cost.name} | {cost.seconds:.1f} | {cost.peak_bytes >> 20:,} |"


def candidate_table(run: Path) -> Iterator[str]:
    """Every candidate beside the fp32 dense package of the same run."""
    yield (
        "| package | AUC tune | AUC confirm | bytes | ratio to dense fp32 "
        "| model us b=1 | b=256 | b=256, user each row | request us b=1 | b=256 | p99 |\n"
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|"
    )
    cards = [
        record.from_json(Scorecard, path.read_bytes())
        for path in sorted(run.glob("scorecards/*/scorecard.json"))
    ]
    dense = cards[0]
    whole = dense.dense_footprint.package_bytes
    yield package_row(DENSE, auc_of(dense, dense=True), whole, 1.0, dense.dense_latency)
    for card in cards:
        size = card.footprint.package_bytes
        yield package_row(card.recipe, auc_of(card, dense=False), size, whole / size, card.latency)


def auc_of(card: Scorecard, *, dense: bool) -> tuple[float | None, float | None]:
    """AUC on the tune and on the confirm days."""
    accuracy = card.dense_accuracy if dense else card.accuracy
    return accuracy["tune"].auc, accuracy["confirm"].auc


def package_row(
    name: str,
    auc: tuple[float | None, float | None],
    size: int,
    ratio: float,
    latency: tuple[Latency, ...],
) -> str:
    """One line of the table."""
    at = {entry.batch: entry for entry in latency}
    tune, confirm = (f"{value:.4f}" if value is not None else "-" for value in auc)
    return (
        f"| {name} | {tune} | {confirm} | {size:,} | {ratio:.1f} "
        f"| {at[1].model_p50:.0f} | {at[256].model_p50:.0f} | {at[256].repeated_p50 or 0:.0f} "
        f"| {at[1].request_p50:.0f} | {at[256].request_p50:.0f} | {at[256].request_p99:.0f} |"
    )


BENCHMARK = Benchmark(
    title="One night, figure by figure",
    figures=figures,
    page=lambda asked: str(asked.scenario),
    add_flags=add_flags,
)

"""The night's verbs one after another, without Airflow, and the figures they gave.

The page has seconds and peak memory of every verb, and every candidate beside the dense model of
the same run. Latencies are of one thread, dense and candidate measured in turn within one process;
compare them as ratios, and only within one page. A request says user and context once; "user each
row" is the model's part where it does not.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

from bench.processes import Cost, VerbRunner
from bench.runner import Asked, Benchmark
from secateur.contracts import record
from secateur.contracts.candidates import DENSE, CandidatePlan
from secateur.contracts.judgement import Latency, Scorecard, Verdict


def add_flags(flags: argparse.ArgumentParser) -> None:
    """The scenario."""
    flags.add_argument("--scenario", default="short_video")


def figures(asked: Asked) -> Iterator[str]:
    """The verdict, the candidates, and the verbs."""
    run = asked.folder
    costs = list(run_night(asked.scenario, run))
    verdict = record.load(Verdict, (run / "verdict" / "verdict.json").read_bytes())
    yield f"Verdict: {verdict.reason}\n"
    yield from candidate_table(run)
    yield "\n| verb | seconds | peak MiB of its processes |\n|---|--:|--:|"
    for cost in costs:
        yield f"| {cost.name} | {cost.seconds:.1f} | {cost.peak_bytes >> 20:,} |"


def run_night(scenario: str, run: Path) -> Iterator[Cost]:
    """Run the verbs in the DAG's order, up to the verdict, which may be a refusal."""
    yield from run_to_packages(scenario, run)
    verbs = VerbRunner(scenario, run)
    for name in planned(run):
        inputs = {
            "package": f"candidates/{name}/package",
            "dense-package": f"candidates/{DENSE}/package",
            "features": "features",
        }
        yield verbs.run("evaluate_package", inputs, f"scorecards/{name}")
    judged = {"plan": "plan", "scorecards": "scorecards"}
    yield verbs.run("judge_candidates", judged, "verdict", accepted=(0, 65))


def run_to_packages(scenario: str, run: Path) -> Iterator[Cost]:
    """Run the verbs whose work is determined by their inputs: from the log to every package."""
    verbs = VerbRunner(scenario, run)
    validated = {"features": "features", "validation": "features_report"}
    chain: list[tuple[str, dict[str, str], str]] = [
        ("clean_events", {}, "events"),
        ("validate_events", {"events": "events"}, "events_report"),
        ("build_features", {"events": "events", "validation": "events_report"}, "features"),
        ("validate_features", {"features": "features"}, "features_report"),
        ("train_model", validated, "dense"),
        ("plan_candidates", {"dense": "dense", "features": "features"}, "plan"),
    ]
    for verb, inputs, output in chain:
        yield verbs.run(verb, inputs, output)
    inputs = {"dense": "dense", "features": "features", "plan": "plan"}
    for name in [DENSE, *planned(run)]:
        yield verbs.run("prune_model", inputs, f"candidates/{name}", f"--recipe={name}")


def planned(run: Path) -> list[str]:
    """Names of the candidates that the run's plan lists."""
    recipes = record.load(CandidatePlan, (run / "plan" / "plan.json").read_bytes()).recipes
    return [recipe.name for recipe in recipes]


def candidate_table(run: Path) -> Iterator[str]:
    """Every candidate beside the fp32 dense package of the same run."""
    yield (
        "| package | AUC tune | AUC confirm | bytes | ratio to dense fp32 "
        "| model us b=1 | b=256 | b=256, user each row | request us b=1 | b=256 | p99 |\n"
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|"
    )
    cards = [
        record.load(Scorecard, path.read_bytes())
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

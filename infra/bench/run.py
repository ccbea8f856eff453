"""The night's verbs one after another, without Airflow, and the figures they gave.

    python infra/bench/run.py [--scenario short_video] [--folder FOLDER]

Writes `infra/bench/<scenario>.md`: the machine, the command, seconds and peak memory a verb, and
every candidate beside the dense model of the same run. Latencies are of one thread, dense and
candidate measured in turn within one process; compare them as ratios, and only within one file. A
request says user and context once; "user each row" is the model's part where it does not.
"""

import argparse
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from secateur.contracts import record
from secateur.contracts.candidates import DENSE, CandidatePlan
from secateur.contracts.judgement import Latency, Scorecard, Verdict

PROJECT = Path(__file__).parents[2]
KEY = {"SECATEUR_ID_KEY": "a key for benchmarks, of no secret"}


@dataclass(frozen=True)
class Timing:
    """One verb's process: seconds of wall time, peak resident MiB."""

    verb: str
    seconds: float
    peak_mib: float


def main() -> None:
    """Run the night and write its figures."""
    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("--scenario", default="short_video")
    flags.add_argument("--folder", type=Path, default=None)
    arguments = flags.parse_args()
    with tempfile.TemporaryDirectory(prefix="secateur-bench-") as temporary:
        folder = arguments.folder or Path(temporary)
        timings = list(night(arguments.scenario, folder))
        page = "\n".join(figures(arguments.scenario, folder, timings))
    target = Path(__file__).with_name(f"{arguments.scenario}.md")
    target.write_text(page + "\n")
    sys.stdout.write(page + "\n")


def night(scenario: str, run: Path) -> Iterator[Timing]:
    """Run the verbs in the DAG's order, up to the verdict."""
    yield from packages(scenario, run)
    baseline = f"candidates/{DENSE}/package"
    for name in planned(run):
        inputs = {
            "package": f"candidates/{name}/package",
            "dense-package": baseline,
            "features": "features",
        }
        yield run_verb("evaluate_package", scenario, run, inputs, f"scorecards/{name}")
    judged = {"plan": "plan", "scorecards": "scorecards"}
    yield run_verb("judge_candidates", scenario, run, judged, "verdict")


def planned(run: Path) -> list[str]:
    """Names of the candidates that the run's plan lists."""
    recipes = record.load(CandidatePlan, (run / "plan" / "plan.json").read_bytes()).recipes
    return [recipe.name for recipe in recipes]


def packages(scenario: str, run: Path) -> Iterator[Timing]:
    """Run the verbs whose work is determined by their inputs: from the log to every package."""
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
        yield run_verb(verb, scenario, run, inputs, output)
    common = {"dense": "dense", "features": "features", "plan": "plan"}
    for name in [DENSE, *planned(run)]:
        yield run_verb("prune_model", scenario, run, common, f"candidates/{name}", name)


def run_verb(
    verb: str, scenario: str, run: Path, inputs: dict[str, str], output: str, recipe: str = ""
) -> Timing:
    """Run one verb as a process; a crash ends the benchmark with its log."""
    flags = [f"--{name}={run / place}" for name, place in inputs.items()]
    flags += [f"--recipe={recipe}"] if recipe else []
    command = [
        sys.executable,
        str(PROJECT / "jobs" / f"{verb}.py"),
        f"--scenario={scenario}",
        *flags,
        f"--output={run / output}",
    ]
    started = time.monotonic()
    with subprocess.Popen(command, env={**os.environ, **KEY}) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 65):
        raise SystemExit(f"{verb} ended with {process.returncode}")
    name = f"{verb}[{Path(output).name}]" if "/" in output else verb
    return Timing(name, time.monotonic() - started, _mib(usage))


def _mib(usage: resource.struct_rusage) -> float:
    return usage.ru_maxrss / 1024


def figures(scenario: str, run: Path, timings: list[Timing]) -> Iterator[str]:
    """The page, line by line."""
    verdict = record.load(Verdict, (run / "verdict" / "verdict.json").read_bytes())
    yield f"# {scenario}: one night, figure by figure\n"
    yield f"Command: `make bench SCENARIO={scenario}`  "
    yield f"Machine: {machine()}\n"
    yield f"Verdict: {verdict.reason}\n"
    yield from candidate_table(run)
    yield "\n| verb | seconds | peak MiB of its Python process |\n|---|--:|--:|"
    for timing in timings:
        yield f"| {timing.verb} | {timing.seconds:.1f} | {timing.peak_mib:.0f} |"


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
    yield row(DENSE, auc_of(dense, dense=True), whole, 1.0, dense.dense_latency)
    for card in cards:
        size = card.footprint.package_bytes
        yield row(card.recipe, auc_of(card, dense=False), size, whole / size, card.latency)


def auc_of(card: Scorecard, *, dense: bool) -> tuple[float | None, float | None]:
    """AUC on the tune and on the confirm days."""
    accuracy = card.dense_accuracy if dense else card.accuracy
    return accuracy["tune"].auc, accuracy["confirm"].auc


def row(
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


def machine() -> str:
    """Processor, cores and the versions that matter."""
    import onnxruntime
    import torch

    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((x.split(":")[1].strip() for x in lines if x.startswith("model name")), "?")
    return (
        f"{model}, {os.cpu_count()} cores; Python {platform.python_version()}, "
        f"torch {torch.__version__}, onnxruntime {onnxruntime.__version__}"
    )


if __name__ == "__main__":
    main()

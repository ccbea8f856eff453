"""Every way to prune: AUC, bytes, microseconds and seconds of each.

    python -m bench pruning --features FOLDER [--scenario short_video]
    python -m bench pruning --frappe FOLDER
    python -m bench pruning --zipf ROWS

`--features` names a FeatureSet as `build_features` seals it, whose tune days are the test rows.
The page has importance criteria at three shares of neurons kept, with and without compensation,
then every method, granularity and schedule with the controls. Nothing was trained, cut or repaired
on the test rows; the AUC of methods is the client's, from raw values. Latencies are of one thread
and of the first seed, each package beside the dense one in one process.
"""

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import mean

from bench.data.frappe import frappe_log
from bench.data.zipf import zipf_log
from bench.pruning.recipes import BEST, FRAPPE, REPAIR_EPOCHS, ZIPF, methods
from bench.pruning.subjects import Subject, subject_of_features, subject_of_log
from bench.runner import Asked, Benchmark, seeds_of
from secateur.contracts.candidates import Criterion, Recipe, Step
from secateur.judgement.accuracy import measure
from secateur.judgement.scoring.client_scoring import score_all
from secateur.judgement.scoring.latency import measure_latency
from secateur.pruning.importance.criteria import CRITERIA
from secateur.serving.scorer import Scorer, load

KEPT = (0.5, 0.25, 0.1)
# Frappe's epochs have few steps: its repairs take as many more epochs.
EPOCH_FACTOR = {"frappe": 4.0}


def add_flags(flags: argparse.ArgumentParser) -> None:
    """One of three sets."""
    given = flags.add_mutually_exclusive_group(required=True)
    given.add_argument("--features", type=Path, metavar="FOLDER")
    given.add_argument("--frappe", type=Path, metavar="FOLDER")
    given.add_argument("--zipf", type=int, metavar="ROWS")
    flags.add_argument("--scenario", default="short_video")


def set_name(asked: Asked) -> str:
    """The set that was asked for."""
    return "frappe" if asked.frappe else "zipf" if asked.zipf else str(asked.scenario)


def figures(asked: Asked) -> Iterator[str]:
    """Both tables."""
    name = set_name(asked)
    subjects = list(subjects_of(asked))
    yield f"The set is {name}. Dense AUC on the test rows of each seed:"
    yield f"{', '.join(f'{one.auc():.4f}' for one in subjects)}.\n"
    yield from criteria_table(subjects)
    factor = EPOCH_FACTOR.get(name, 1.0)
    recipes = [replace(one, repair_epochs=factor * one.repair_epochs) for one in methods()]
    if name in BEST:
        recipes.append(replace(BEST[name], name=f"{BEST[name].name} of package_bytes.md"))
    epochs = factor * REPAIR_EPOCHS
    yield f"\n## Methods\n\nRepair takes {epochs:g} epochs, from scratch twice as many.\n"
    yield from method_table(subjects, recipes, asked.folder)


def subjects_of(asked: Asked) -> Iterator[Subject]:
    """The dense model of every seed."""
    if asked.features:
        for seed in seeds_of(asked):
            yield subject_of_features(asked.features, asked.scenario, seed)
        return
    log, setup = (
        (frappe_log(asked.frappe), FRAPPE) if asked.frappe else (zipf_log(asked.zipf), ZIPF)
    )
    for seed in seeds_of(asked):
        yield subject_of_log(log, setup, seed)


def criteria_table(subjects: Sequence[Subject]) -> Iterator[str]:
    """Mean AUC of every neuron criterion: what the cut alone leaves, and after compensation."""
    yield "## Importance criteria: mean AUC by neurons kept, alone -> compensated\n"
    yield f"| criterion | {' | '.join(f'{keep:.0%}' for keep in KEPT)} |"
    yield f"|---|{'---|' * len(KEPT)}"
    for criterion in CRITERIA["neuron"]:
        cells = [
            " -> ".join(
                f"{criterion_auc(subjects, criterion, keep, compensate):.4f}"
                for compensate in (False, True)
            )
            for keep in KEPT
        ]
        yield f"| {criterion} | {' | '.join(cells)} |"


def criterion_auc(
    subjects: Sequence[Subject], criterion: Criterion, keep: float, compensate: bool
) -> float:
    """Mean test AUC where the neurons that a criterion ranks highest stay."""
    recipe = Recipe("r", (Step("neuron", criterion, keep=keep),), compensate=compensate)
    return mean(subject.auc(subject.prune(recipe)) for subject in subjects)


def method_table(
    subjects: Sequence[Subject], recipes: Sequence[Recipe], folder: Path
) -> Iterator[str]:
    """Every recipe beside the first, which is the dense float32 package of the same seed."""
    yield (
        "| method | AUC | minus dense | each seed | GAUC minus dense | log-loss minus dense "
        "| bytes | ratio | nonzero | model us b=1 | b=256 | request us b=256 | seconds |"
    )
    yield f"|---|--:|--:|---|{'--:|' * 9}"
    baseline: list[Measured] = []
    for number, recipe in enumerate(recipes):
        found = [
            Measured(subject, recipe, folder / f"{number}-{seed}")
            for seed, subject in enumerate(subjects)
        ]
        baseline = baseline or found
        yield method_row(recipe.name, found, baseline)


class Measured:
    """A recipe applied, packaged, loaded and scored for one seed."""

    def __init__(self, subject: Subject, recipe: Recipe, folder: Path) -> None:
        started = time.monotonic()
        pruned = subject.prune(recipe)
        self.seconds = time.monotonic() - started
        self.subject = subject
        self.bytes = subject.package(recipe, pruned, folder)
        self.scorer: Scorer = load(folder)
        rows = subject.rows
        self.accuracy = measure(rows.labels, rows.users, score_all(self.scorer, rows))
        self.nonzero = sum(int(p.count_nonzero()) for p in pruned.model.parameters())


def method_row(name: str, found: Sequence[Measured], baseline: Sequence[Measured]) -> str:
    """One line of the second table."""
    pairs = list(zip(found, baseline, strict=True))
    auc, gauc, loss = (
        [getattr(one.accuracy, of) - getattr(dense.accuracy, of) for one, dense in pairs]
        for of in ("auc", "gauc", "log_loss")
    )
    size, dense_size = mean(one.bytes for one in found), mean(one.bytes for one in baseline)
    _, latencies = measure_latency([baseline[0].scorer, found[0].scorer], found[0].subject.rows)
    at = {latency.batch: latency for latency in latencies}
    cells = [
        f"{mean(one.accuracy.auc or 0 for one in found):.4f}",
        f"{mean(auc):+.4f}",
        ", ".join(f"{one:+.4f}" for one in auc),
        f"{mean(gauc):+.4f}",
        f"{mean(loss):+.4f}",
        f"{size:,.0f}",
        f"{dense_size / size:.1f}",
        f"{mean(one.nonzero / dense.nonzero for one, dense in pairs):.1%}",
        f"{at[1].model_p50:.0f}",
        f"{at[256].model_p50:.0f}",
        f"{at[256].request_p50:.0f}",
        f"{mean(one.seconds for one in found):.1f}",
    ]
    return f"| {name} | {' | '.join(cells)} |"


BENCHMARK = Benchmark(
    title="Every way to prune",
    figures=figures,
    page=lambda asked: f"pruning/{set_name(asked)}",
    add_flags=add_flags,
    seeds=3,
)

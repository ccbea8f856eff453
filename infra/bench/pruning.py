"""Every way to prune, on the dense models of three seeds: AUC, bytes, microseconds, seconds.

    python infra/bench/pruning.py --features FOLDER [--scenario short_video] [--seeds 3]
    python infra/bench/pruning.py --frappe FOLDER [--seeds 3]
    python infra/bench/pruning.py --zipf ROWS [--seeds 3]

FOLDER holds a FeatureSet, as `build_features` seals it, or Frappe_x1. Of that and of ROWS of Zipf's
law (see `bytes.py`) the test set stands for the tune days. Writes `pruning_<scenario>.md` beside
this: importance criteria at three shares of neurons kept, with and without compensation, then every
method x granularity x schedule with the controls. AUC is on the tune days, which nothing was
trained, cut or repaired on; that of methods is the client's, from raw values. Latencies are of one
thread, each package beside the dense one in one process; they are of the first seed.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import mean

from accuracy import SETTINGS, SHARED
from bytes import OF_FRAPPE, REPAIR, ZIPF
from bytes import SMALL as OF_ZIPF
from logs import read_log, zipf_log
from run import machine
from secateur.contracts.candidates import DENSE, Criterion, Recipe, Step, Student
from secateur.judgement.latency import measure_latency
from secateur.judgement.metrics import measure
from secateur.judgement.scoring import score_all
from secateur.model.training.holdout import predict
from secateur.model.training.metrics import logit_auc
from secateur.pruning.apply_recipe import Pruned
from secateur.pruning.importance.criteria import CRITERIA
from secateur.scenario import Training
from secateur.serving.scorer import Scorer, load
from subjects import Subject, of_log, of_night

KEPT = (0.5, 0.25, 0.1)
EPOCHS = 0.5  # of repair, times what a set's epochs are short of steps
TIMES = {"frappe": 4.0}
NEURONS = Step("neuron", "contribution", keep=0.1)
ZEROS = Step("weight", "magnitude", keep=0.1)
ROWS = Step("embedding_row", "frequency", min_count=10)
DIMENSIONS = Step("embedding_dimension", "frequency_l2", keep=0.25)
FIELDS = Step("field", "field_score", keep=0.5)
LAYERS = Step("layer", "linearity", keep=0.34)
HYBRID = (FIELDS, ROWS, DIMENSIONS, NEURONS, LAYERS)
FRAPPE = Training.model_validate({"architecture": "dlrm"} | SHARED | SETTINGS["dlrm"])
SMALL = Recipe("hybrid", HYBRID, EPOCHS, 4, 8, vocabulary="ascending")
# The levels above are KuaiRand's; what was found for another set is a line of its own.
OWN = {"frappe": OF_FRAPPE[-1], "zipf": OF_ZIPF}


def methods() -> list[Recipe]:
    """The recipes of the second table, the dense one first."""
    return [Recipe(DENSE), *_of_weights(), *_of_neurons(), *_of_tables(), *_mixed()]


def _of_weights() -> Iterator[Recipe]:
    erk = replace(ZEROS, allocation="erk")
    yield Recipe("weights, one-shot", (ZEROS,), EPOCHS)
    yield Recipe("weights, one-shot, ERK", (erk,), EPOCHS)
    for schedule in ("iterative", "cubic"):
        step = replace(ZEROS, schedule=schedule, rounds=4)
        yield Recipe(f"weights, {schedule}", (step,), EPOCHS)
    rigl = replace(erk, schedule="rigl", rounds=4)
    yield Recipe("weights, RigL from the dense model", (rigl,), EPOCHS)
    yield Recipe("weights, RigL from scratch", (rigl,), 1.0, start="untrained")
    snip = replace(ZEROS, criterion="taylor")
    yield Recipe("weights, SNIP before training", (snip,), 1.0, start="untrained")


def _of_neurons() -> Iterator[Recipe]:
    yield Recipe("neurons, one-shot, nothing after", (NEURONS,), compensate=False)
    yield Recipe("neurons, one-shot, compensated", (NEURONS,))
    yield Recipe("neurons, one-shot, repaired", (NEURONS,), EPOCHS, compensate=False)
    yield Recipe("neurons, one-shot, both", (NEURONS,), EPOCHS)
    for schedule in ("iterative", "cubic"):
        step = replace(NEURONS, schedule=schedule, rounds=4)
        yield Recipe(f"neurons, {schedule}", (step,), EPOCHS)
    for allocation in ("global", "sensitivity"):
        step = replace(NEURONS, allocation=allocation)
        yield Recipe(f"neurons, one-shot, {allocation}", (step,))
    yield Recipe("hidden layers made linear", (LAYERS,))


def _of_tables() -> Iterator[Recipe]:
    yield Recipe("embedding rows", (ROWS,))
    yield Recipe("embedding dimensions", (DIMENSIONS,), EPOCHS)
    yield Recipe("fields", (FIELDS,))
    yield Recipe("int8", embedding_bits=8, tower_bits=8)
    yield Recipe("int4 rows, int8 tower", embedding_bits=4, tower_bits=8)


def _mixed() -> Iterator[Recipe]:
    yield SMALL
    chance = replace(NEURONS, criterion="random")
    random = (FIELDS, ROWS, DIMENSIONS, chance, LAYERS)
    yield replace(SMALL, name="hybrid, random neurons (control)", steps=random)
    student = replace(SMALL, steps=(), repair_epochs=1.5)
    shape = Student(4, (40,), 10)
    yield replace(student, name="small dense, distilled (control)", student=shape)
    alone = replace(shape, alone=True)
    yield replace(student, name="small dense, alone (control)", student=alone)
    yield Recipe("min_count alone (control)", (ROWS,), 0.0, 4, 8, vocabulary="ascending")


def main() -> None:
    """Measure, and write the page."""
    flags = argparse.ArgumentParser(description=__doc__)
    given = flags.add_mutually_exclusive_group(required=True)
    given.add_argument("--features", type=Path)
    given.add_argument("--frappe", type=Path)
    given.add_argument("--zipf", type=int, metavar="ROWS")
    flags.add_argument("--scenario", default="short_video")
    flags.add_argument("--seeds", type=int, default=3)
    asked = flags.parse_args()
    name = "frappe" if asked.frappe else "zipf" if asked.zipf else asked.scenario
    lines = []
    for line in page(asked, name):
        print(line, flush=True)  # noqa: T201
        lines.append(line)
    Path(__file__).with_name(f"pruning_{name}.md").write_text("\n".join(lines) + "\n")


def page(asked: argparse.Namespace, name: str) -> Iterator[str]:
    """The page's lines, as they are measured."""
    seeds = range(1, asked.seeds + 1)
    subjects = list(subjects_of(asked, seeds))
    given = {"frappe": "FRAPPE=...", "zipf": f"ZIPF={asked.zipf}"}.get(name, f"SCENARIO={name}")
    yield f"# Every way to prune, on {name}\n"
    yield f"Command: `make bench-pruning {given}`  "
    yield f"Machine: {machine()}; {len(seeds)} seeds\n"
    aucs = [area(subject) for subject in subjects]
    yield f"Dense AUC on the tune days: {', '.join(f'{one:.4f}' for one in aucs)}.\n"
    yield from criteria_table(subjects)
    times = TIMES.get(name, 1.0)
    recipes = [replace(one, repair_epochs=times * one.repair_epochs) for one in methods()]
    if name in OWN:
        recipes.append(replace(OWN[name], name=f"{OWN[name].name} of bytes.md"))
    yield f"\n## Methods\n\nRepair takes {times * EPOCHS:g} epochs, from scratch twice as many.\n"
    yield from method_table(subjects, recipes)


def subjects_of(asked: argparse.Namespace, seeds: Sequence[int]) -> Iterator[Subject]:
    """The dense model of every seed."""
    if asked.features:
        features = asked.features.absolute()
        yield from (of_night(features, asked.scenario, seed) for seed in seeds)
    elif asked.frappe:
        log = read_log(asked.frappe)
        repairing = FRAPPE.model_copy(update=REPAIR)
        yield from (of_log(log, FRAPPE, repairing, seed) for seed in seeds)
    else:
        log, training = zipf_log(asked.zipf), Training.model_validate(ZIPF)
        yield from (of_log(log, training, training, seed) for seed in seeds)


def criteria_table(subjects: Sequence[Subject]) -> Iterator[str]:
    """Mean AUC of every neuron criterion: what the cut alone leaves, and after compensation."""
    yield "## Importance criteria: mean AUC by neurons kept, alone -> compensated\n"
    yield f"| criterion | {' | '.join(f'{keep:.0%}' for keep in KEPT)} |"
    yield f"|---|{'---|' * len(KEPT)}"
    for criterion in CRITERIA["neuron"]:
        found = [" -> ".join(_both(subjects, criterion, keep)) for keep in KEPT]
        yield f"| {criterion} | {' | '.join(found)} |"


def _both(subjects: Sequence[Subject], criterion: Criterion, keep: float) -> Iterator[str]:
    for compensate in (False, True):
        recipe = Recipe("r", (Step("neuron", criterion, keep=keep),), compensate=compensate)
        yield f"{mean(area(s, s.prune(recipe)) for s in subjects):.4f}"


def method_table(subjects: Sequence[Subject], recipes: Sequence[Recipe]) -> Iterator[str]:
    """Every recipe beside the first, which is the dense float32 package of the same seed."""
    yield (
        "| method | AUC | minus dense | each seed | GAUC minus dense | log-loss minus dense "
        "| bytes | ratio | nonzero | model us b=1 | b=256 | request us b=256 | seconds |"
    )
    yield f"|---|--:|--:|---|{'--:|' * 9}"
    with tempfile.TemporaryDirectory(prefix="secateur-bench-") as folder:
        baseline: list[Line] = []
        for number, recipe in enumerate(recipes):
            places = [Path(folder) / f"{number}-{i}" for i in range(len(subjects))]
            found = [Line(s, recipe, p) for s, p in zip(subjects, places, strict=True)]
            baseline = baseline or found
            yield line(recipe.name, found, baseline)


class Line:
    """A recipe carried out, packaged, loaded and scored for one seed."""

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


def line(name: str, found: Sequence[Line], baseline: Sequence[Line]) -> str:
    """One line of the second table."""
    pairs = list(zip(found, baseline, strict=True))
    lost, grouped, loss = (
        [getattr(one.accuracy, of) - getattr(dense.accuracy, of) for one, dense in pairs]
        for of in ("auc", "gauc", "log_loss")
    )
    size, whole = mean(one.bytes for one in found), mean(one.bytes for one in baseline)
    _, taken = measure_latency([baseline[0].scorer, found[0].scorer], found[0].subject.rows)
    at = {entry.batch: entry for entry in taken}
    cells = [
        f"{mean(one.accuracy.auc or 0 for one in found):.4f}",
        f"{mean(lost):+.4f}",
        ", ".join(f"{one:+.4f}" for one in lost),
        f"{mean(grouped):+.4f}",
        f"{mean(loss):+.4f}",
        f"{size:,.0f}",
        f"{whole / size:.1f}",
        f"{mean(one.nonzero / dense.nonzero for one, dense in pairs):.1%}",
        f"{at[1].model_p50:.0f}",
        f"{at[256].model_p50:.0f}",
        f"{at[256].request_p50:.0f}",
        f"{mean(one.seconds for one in found):.1f}",
    ]
    return f"| {name} | {' | '.join(cells)} |"


def area(subject: Subject, pruned: Pruned | None = None) -> float:
    """AUC of a recipe's model, not packaged, or of the dense one, on the tune days."""
    test, dense = subject.test, subject.dense
    if pruned is None:
        return logit_auc(predict(dense, test.inputs), test.labels)
    return logit_auc(predict(pruned.model, pruned.inputs(test.inputs, dense.spec)), test.labels)


if __name__ == "__main__":
    main()

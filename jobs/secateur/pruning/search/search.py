"""The search for recipes under a budget of bytes, microseconds and minutes.

1. Scan: every level of every knob alone, without repair (Li et al., ICLR 2017, "sensitivity").
2. Of all dishes whose predicted cost fits the target, those with the least sum of the scanned
   losses: a knapsack, small enough to look at every filling.
3. Successive halving (Jamieson & Talwalkar, AISTATS 2016): the better half gets more repair.
4. Two finalists with several seeds; the one with the lower mean loss.
5. Where it loses more AUC than allowed, the knob that promises most is eased, level by level.

Controls go with every find: the same shapes with random neurons, as a small dense model taught by
the dense one, and as one that learned alone. They are candidates like any other: where one wins, it
is what is shipped.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import mean

from secateur.contracts.candidates import Recipe, Step, Student
from secateur.contracts.models import ModelSpec
from secateur.contracts.pruning import PruningPlan
from secateur.contracts.search import Cost, Outcome
from secateur.model.training.threads import on_threads
from secateur.pruning.cuts.compaction import compact_spec
from secateur.pruning.cuts.selection import choose
from secateur.pruning.search.grid import Dish, dishes, eased, knobs
from secateur.pruning.search.trials import Trials
from secateur.scenario.sections.search import Search, Target

SCAN = "scan"
FINALISTS = 2
STUDENT_EPOCHS = 1.5  # what a student of short_video needs to stop learning


@dataclass(frozen=True)
class Scan:
    """What each level of each knob alone leaves, and the loss that it adds."""

    levels: list[list[Step | None]]
    plans: list[list[PruningPlan]]
    losses: list[list[float]]

    def loss(self, dish: Dish) -> float:
        """The loss that a dish is expected to add."""
        return sum(
            losses[levels.index(step)]
            for losses, levels, step in zip(self.losses, self.levels, dish.levels, strict=True)
        )

    def spec(self, dish: Dish, dense: ModelSpec) -> ModelSpec:
        """The shapes that a dish leaves, as far as each knob alone tells."""
        everything = PruningPlan.of_everything(dense)
        whole = everything
        for plans, levels, step in zip(self.plans, self.levels, dish.levels, strict=True):
            plan = plans[levels.index(step)]
            for name in ("inputs", "heights", "dimensions", "neurons", "linear"):
                if getattr(plan, name) != getattr(everything, name):
                    whole = replace(whole, **{name: getattr(plan, name)})
        return compact_spec(dense, whole)


def search(trials: Trials, wanted: Search) -> list[Recipe]:
    """The recipe found for each target, with its controls. All trials are in `trials`."""
    found: list[Recipe] = []
    with on_threads(trials.workshop.training.threads):
        scan = scanned(trials, wanted)
        for target in wanted.targets:
            dish = find(trials, wanted, scan, target)
            recipe = dish.recipe(target.name, wanted.repair_epochs)
            found += [recipe, *controls(dish, target, trials)]
    return found


def scanned(trials: Trials, wanted: Search) -> Scan:
    """Try every level of every knob alone. A level that changes nothing is left out."""
    levels, plans, losses = [], [], []
    everything = PruningPlan.of_everything(trials.dense.spec)
    for knob in knobs(wanted, trials.dense.spec):
        kept: list[tuple[Step | None, PruningPlan, float]] = [(None, everything, 0.0)]
        for step in knob[1:]:
            assert step is not None  # noqa: S101 - only the first level is
            plan = choose(step, trials.dense, trials.workshop.evidence)
            recipe = Recipe(_words(step), (step,))
            if plan != kept[-1][1] and (
                outcome := trials.run(SCAN, SCAN, recipe, trials.workshop.seed)
            ):
                kept.append((step, plan, outcome.loss))
        levels.append([step for step, _, _ in kept])
        plans.append([plan for _, plan, _ in kept])
        losses.append([loss for _, _, loss in kept])
    return Scan(levels, plans, losses)


def find(trials: Trials, wanted: Search, scan: Scan, target: Target) -> Dish:
    """The best dish for a target: proposals, halving, finalists, ease."""
    runners = proposals(scan, trials, target, wanted.proposals)
    rungs = math.ceil(math.log2(max(2, len(runners) / FINALISTS)))
    for rung in range(rungs):
        epochs = wanted.repair_epochs * rung / rungs
        runners = _better_half(trials, target, runners, rung, epochs)
    seeds = range(trials.workshop.seed, trials.workshop.seed + wanted.seeds)
    ranked = sorted(
        (
            (mean(o.loss for o in outcomes), place)
            for place, dish in enumerate(runners[:FINALISTS])
            if (outcomes := _tried(trials, target, dish, "final", wanted.repair_epochs, seeds))
        )
    )
    chosen = runners[ranked[0][1]] if ranked else runners[0]
    return relaxed(trials, wanted, scan, target, chosen)


def proposals(scan: Scan, trials: Trials, target: Target, count: int) -> list[Dish]:
    """The dishes within the target that promise the least loss; the cheapest where none is."""
    priced = [(dish, _cost(scan, dish, trials)) for dish in dishes(scan.levels)]
    fitting = [dish for dish, cost in priced if _fits(cost, target)]
    if not fitting:
        return [min(priced, key=lambda one: (one[1].bytes, one[1].us))[0]]
    return sorted(fitting, key=scan.loss)[:count]


def relaxed(trials: Trials, wanted: Search, scan: Scan, target: Target, dish: Dish) -> Dish:
    """The dish, or as long as it loses too much one that gives the worst group back.

    It may then weigh more than its target: the gate has the last word on both.
    """
    seeds = range(trials.workshop.seed, trials.workshop.seed + wanted.seeds)
    while outcomes := _tried(trials, target, dish, "eased", wanted.repair_epochs, seeds):
        if trials.dense_auc - mean(one.auc for one in outcomes) <= wanted.max_loss:
            break
        weaker = [other for k in range(len(dish.levels)) if (other := eased(dish, scan.levels, k))]
        if not weaker:
            break
        dish = min(weaker, key=scan.loss)
    return dish


def controls(dish: Dish, target: Target, trials: Trials) -> Iterator[Recipe]:
    """What a find must beat, of its shapes and bits."""
    found = dish.recipe(target.name, 0.0)
    dense = trials.dense.spec
    rows = next((s.min_count for s in dish.steps if s.granularity == "embedding_row"), None)
    if any(step.granularity == "neuron" for step in dish.steps):
        steps = tuple(
            replace(step, criterion="random") if step.granularity == "neuron" else step
            for step in dish.steps
        )
        yield replace(found, name=f"{target.name}_random", steps=steps)
    if not dense.hidden or not dish.steps:
        return
    spec = trials.shapes(found)
    inputs = spec.inputs if spec.inputs != dense.inputs else ()
    student = Student(spec.embedding_dim, spec.hidden, rows or 1, inputs=inputs)
    bits = replace(found, steps=(), repair_epochs=STUDENT_EPOCHS)
    yield replace(bits, name=f"{target.name}_student", student=student)
    yield replace(bits, name=f"{target.name}_alone", student=replace(student, alone=True))


def _better_half(
    trials: Trials, target: Target, runners: Sequence[Dish], rung: int, epochs: float
) -> list[Dish]:
    """The half of the runners with less loss, at least the finalists; all where time ran out."""
    seed = trials.workshop.seed
    outcomes = [
        _tried(trials, target, dish, f"rung {rung}", epochs, range(seed, seed + 1))
        for dish in runners
    ]
    ranked = sorted(
        (found[0].loss if found else math.inf, place) for place, found in enumerate(outcomes)
    )
    keep = max(FINALISTS, len(runners) // 2)
    return [runners[place] for _, place in ranked[:keep]]


def _tried(
    trials: Trials, target: Target, dish: Dish, stage: str, epochs: float, seeds: range
) -> list[Outcome]:
    recipe = dish.recipe(_name(dish), epochs)
    found = (trials.run(target.name, stage, recipe, seed) for seed in seeds)
    return [outcome for outcome in found if outcome is not None]


def _cost(scan: Scan, dish: Dish, trials: Trials) -> Cost:
    return trials.cost(scan.spec(dish, trials.dense.spec), dish.recipe("", 0.0))


def _fits(cost: Cost, target: Target) -> bool:
    small = target.max_bytes is None or cost.bytes <= target.max_bytes
    return small and (target.max_us is None or cost.us <= target.max_us)


def _name(dish: Dish) -> str:
    return "_".join(map(_words, dish.steps)) or "int4"


def _words(step: Step) -> str:
    level = f"min{step.min_count}" if step.min_count is not None else f"{step.keep:g}"
    return f"{step.granularity.removeprefix('embedding_')}_{level}"

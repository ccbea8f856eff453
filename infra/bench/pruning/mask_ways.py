"""Ways through a row of nights: masks of the first night, cut anew, or held to the night before."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import mean

import torch

from secateur.contracts.candidates import Recipe, Step
from secateur.model.architectures.recommender import Recommender
from secateur.model.data.batches import Split
from secateur.model.data.inputs import Inputs
from secateur.model.training.holdout import predict
from secateur.model.training.metrics import logit_auc
from secateur.pruning.cuts.masking import nonzero_masks
from secateur.pruning.nightly.hysteresis import Cut, Hysteresis, overlaps
from secateur.pruning.recipes.apply_recipe import apply_recipe
from secateur.pruning.recipes.pruning_context import PruningContext
from secateur.scenario.sections.repruning import Repruning

STATIC = Repruning(decay=0, hysteresis=0, max_churn=0, max_loss=1)
ANEW = Repruning(decay=0, hysteresis=0, max_churn=1)
HELD = Repruning()
NEURONS = Step("neuron", "contribution", keep=0.1)
WEIGHTS = Step("weight", "magnitude", keep=0.1, allocation="erk")
FIELDS = Step("field", "field_score", keep=0.35)
REPAIR_EPOCHS = 0.25


@dataclass(frozen=True, eq=False)
class Night:
    """A dense model, what prunes it, and the rows that come after it."""

    dense: Recommender
    context: PruningContext
    rows: Split


@dataclass(frozen=True)
class Way:
    """How every night cuts by a step; where `first_night_only`, all keep the first night's cut."""

    name: str
    step: Step
    repruning: Repruning
    first_night_only: bool = False


_STEPS = (("neurons", NEURONS), ("weights", WEIGHTS), ("fields", FIELDS))
WAYS = (
    *(
        Way(f"{name}, masks of the first night", step, STATIC, first_night_only=True)
        for name, step in _STEPS
    ),
    *(Way(f"{name}, cut anew every night", step, ANEW) for name, step in _STEPS),
    *(Way(f"{name}, held to the night before", step, HELD) for name, step in _STEPS),
    Way(
        "weights, RigL from last night's masks",
        replace(WEIGHTS, schedule="rigl", rounds=4),
        STATIC,
    ),
)


def mask_table(seeds: Sequence[Sequence[Night]]) -> Iterator[str]:
    """Every way through the nights of every seed."""
    yield "## Masks that stay and masks that move\n"
    yield f"Cut from the warm dense model of the night, repaired for {REPAIR_EPOCHS} epochs. The"
    yield "first night is the same for all ways of a step and is not counted. 10 % of neurons and"
    yield f"of weights stay, and {FIELDS.keep:.0%} of fields. Kept: units kept in two nights"
    yield "running, of those in either.\n"
    yield "| way | AUC minus dense, mean | each night | each seed | kept |"
    yield "|---|--:|---|---|--:|"
    for way in WAYS:
        runs = [follow(way, nights) for nights in seeds]
        losses = torch.tensor([[loss for loss, _ in run] for run in runs])
        kept = mean(share for run in runs for _, share in run)
        by_night, by_seed = (
            ", ".join(f"{x:+.4f}" for x in losses.mean(axis).tolist()) for axis in (0, 1)
        )
        yield f"| {way.name} | {losses.mean():+.4f} | {by_night} | {by_seed} | {kept:.1%} |"


def follow(way: Way, nights: Sequence[Night]) -> list[tuple[float, float]]:
    """For each night after the first, AUC minus the dense model's, and the share of units kept."""
    found: list[tuple[float, float]] = []
    previous: Mapping[int, Cut] = {}
    for night in nights:
        dense, rows = night.dense, night.rows
        hysteresis = Hysteresis(way.repruning if previous else ANEW, dense.spec, previous)
        recipe = Recipe("r", (way.step,), REPAIR_EPOCHS)
        pruned = apply_recipe(recipe, dense, night.context, hysteresis)
        cuts = {n: final_cut(cut, pruned.model) for n, cut in hysteresis.cuts.items()}
        if previous:
            inputs = pruned.adapt_inputs(rows.inputs, dense.spec)
            loss = auc_on(pruned.model, inputs, rows) - auc_on(dense, rows.inputs, rows)
            found.append((loss, next(iter(overlaps(previous, cuts).values()))))
        if not (way.first_night_only and previous):
            previous = cuts
    return found


def final_cut(cut: Cut, model: Recommender) -> Cut:
    """A cut as the recipe left it: RigL moves the weights that a step chose."""
    return replace(cut, kept=tuple(nonzero_masks(model))) if cut.granularity == "weight" else cut


def auc_on(model: Recommender, inputs: Inputs, rows: Split) -> float:
    """AUC of a model on `rows` [n], given what it reads of them, `inputs` [n]."""
    return logit_auc(predict(model, inputs), rows.labels)

"""What every kind of step, schedule and start does to a model that learned something."""

from dataclasses import replace

import pytest
import torch

from secateur.contracts import record
from secateur.contracts.candidates import Recipe, Step, Student
from secateur.contracts.pruning import PruningPlans, difference
from secateur.model.architectures.kept_units import narrow
from secateur.model.architectures.recommender import Recommender
from secateur.model.training.holdout import predict
from secateur.model.training.metrics import logit_auc, logit_loss
from secateur.pruning.cuts.compaction import compact
from secateur.pruning.cuts.masking import mask
from secateur.pruning.importance.weights import linears
from secateur.pruning.recipes.apply_recipe import PrunedModel, apply_recipe
from secateur.pruning.recipes.pruning_context import PruningContext


def measured(
    model: Recommender, dense: Recommender, context: PruningContext
) -> tuple[float, float]:
    """AUC and log-loss on the holdout."""
    holdout = context.calibration.holdout
    logits = predict(model, narrow(holdout.inputs, dense.spec, model.spec))
    return logit_auc(logits, holdout.labels), logit_loss(logits, holdout.labels)


def cut(dense: Recommender, context: PruningContext, *steps: Step, **how: object) -> PrunedModel:
    return apply_recipe(Recipe("r", steps, **how), dense, context)  # type: ignore[arg-type]


def density(model: Recommender) -> float:
    weights = [layer.weight for layer in linears(model)]
    nonzero = sum(int(weight.count_nonzero()) for weight in weights)
    return nonzero / sum(weight.numel() for weight in weights)


NEURONS = Step("neuron", "l2", keep=0.25)
ZEROS = Step("weight", "magnitude", keep=0.2)


@pytest.mark.parametrize(
    "criterion", ["field_score", "field_score_per_us", "permutation", "field_score_confirmed"]
)
def test_the_field_that_tells_nothing_goes(
    untouched: Recommender, context: PruningContext, criterion: str
) -> None:
    step = Step("field", criterion, keep=0.75)  # type: ignore[arg-type]
    pruned = cut(untouched, context, step)
    assert pruned.model.spec.inputs == ("a", "b", "n")
    before, after = (measured(m, untouched, context) for m in (untouched, pruned.model))
    assert abs(after[0] - before[0]) < 0.01


def test_a_hidden_layer_becomes_one_with_the_next(
    untouched: Recommender, context: PruningContext
) -> None:
    step = Step("layer", "linearity", keep=0.5)
    pruned = cut(untouched, context, step, repair_epochs=2.0)
    assert pruned.model.spec.hidden == (32,)
    assert measured(pruned.model, untouched, context)[0] > 0.8


def test_compensation_gives_back_most_of_what_random_neurons_took(
    untouched: Recommender, context: PruningContext
) -> None:
    step = Step("neuron", "random", keep=0.5)
    lost, dense = (
        (
            measured(cut(untouched, context, step, compensate=c).model, untouched, context)[1]
            for c in (False, True)
        ),
        measured(untouched, untouched, context)[1],
    )
    plain, compensated = lost
    assert compensated - dense < 0.25 * (plain - dense)


@pytest.mark.parametrize("schedule", ["iterative", "cubic"])
def test_rounds_end_with_the_same_shapes_as_one_cut(
    untouched: Recommender, context: PruningContext, schedule: str
) -> None:
    step = replace(NEURONS, schedule=schedule, rounds=3)  # type: ignore[arg-type]
    pruned = cut(untouched, context, step, repair_epochs=1.0)
    assert pruned.model.spec.hidden == (8, 8)
    assert len(pruned.plans.steps) == 3
    assert pruned.curve.evaluations[-1].samples <= 4000 / 3 + 64


def test_zeros_stay_zero_through_repair(untouched: Recommender, context: PruningContext) -> None:
    once = cut(untouched, context, ZEROS)
    repaired = cut(untouched, context, ZEROS, repair_epochs=1.0)
    assert density(repaired.model) == density(once.model) == pytest.approx(0.2, abs=0.01)
    assert repaired.model.spec == untouched.spec
    for a, b in zip(linears(once.model), linears(repaired.model), strict=True):
        assert torch.equal(a.weight == 0, b.weight == 0)
        assert not torch.equal(a.weight, b.weight)


def test_rigl_trades_weights_and_stays_as_sparse(
    untouched: Recommender, context: PruningContext
) -> None:
    step = replace(ZEROS, schedule="rigl", rounds=4)
    pruned = cut(untouched, context, step, repair_epochs=2.0)
    assert density(pruned.model) <= 0.21
    first, *later = pruned.plans.steps
    assert all(difference(first, plan).get("weights") for plan in later)


def test_pruning_at_initialisation_learns_what_the_dense_model_did(
    untouched: Recommender, context: PruningContext
) -> None:
    step = Step("weight", "taylor", keep=0.3)
    pruned = cut(untouched, context, step, start="untrained", repair_epochs=4.0)
    assert density(pruned.model) == pytest.approx(0.3, abs=0.01)
    assert measured(pruned.model, untouched, context)[0] > 0.8


def test_a_student_alone_reads_labels_and_no_teacher(
    untouched: Recommender, context: PruningContext
) -> None:
    taught, alone = (
        apply_recipe(
            Recipe("s", student=Student(4, (8,), 1, alone=a), repair_epochs=0.5),
            untouched,
            context,
        )
        .curve.evaluations[0]
        .holdout_loss
        for a in (False, True)
    )
    assert taught != alone


@pytest.mark.parametrize("allocation", ["uniform", "global", "erk", "sensitivity"])
def test_every_allocation_keeps_about_the_share_that_was_asked(
    untouched: Recommender, context: PruningContext, allocation: str
) -> None:
    step = replace(NEURONS, allocation=allocation)  # type: ignore[arg-type]
    hidden = cut(untouched, context, step).model.spec.hidden
    assert 12 <= sum(hidden) <= 20


def test_plans_are_json_that_replays_the_cuts(
    untouched: Recommender, context: PruningContext
) -> None:
    steps = (
        Step("embedding_row", "frequency_l2", keep=0.5),
        Step("field", "permutation", keep=0.75),
        Step("embedding_dimension", "frequency_l2", keep=0.5),
        NEURONS,
        Step("layer", "linearity", keep=0.5),
        ZEROS,
    )
    pruned = cut(untouched, context, *steps)
    plans = record.from_json(PruningPlans, record.dump(pruned.plans))
    again, calibration = untouched, context.calibration
    for plan in plans.steps:
        small = compact(mask(again, plan, calibration), plan)
        calibration = calibration.after_cut(plan, again.spec, small.spec)
        again = small
    assert again.spec == pruned.model.spec
    assert all(torch.equal(t, again.state_dict()[n]) for n, t in pruned.model.state_dict().items())


def test_the_same_recipe_gives_the_same_bits(
    untouched: Recommender, context: PruningContext
) -> None:
    steps = (Step("field", "random", keep=0.75), Step("neuron", "taylor", keep=0.5))
    first, second = (
        cut(untouched, context, *steps, repair_epochs=0.5, compensate=True) for _ in range(2)
    )
    assert first.plans == second.plans
    state = second.model.state_dict()
    assert all(torch.equal(t, state[n]) for n, t in first.model.state_dict().items())

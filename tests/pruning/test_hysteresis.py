"""Cuts of a second night, with what the first one left in mind."""

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch

from secateur.contracts.candidates import Recipe, Step
from secateur.contracts.pruning import PruningPlans
from secateur.model.architectures.recommender import Recommender
from secateur.pruning.nightly.hysteresis import Cut, Hysteresis, kept_masks, overlaps
from secateur.pruning.recipes.apply_recipe import apply_recipe
from secateur.pruning.recipes.pruning_context import PruningContext
from secateur.pruning.units.table_rows import kept_rows
from secateur.scenario.sections.repruning import Repruning

NEURONS = Step("neuron", "l2", keep=0.25)
FIELDS = Step("field", "field_score", keep=0.5)
FREE = Repruning(decay=0, hysteresis=0, max_churn=1, max_loss=1)


@pytest.fixture
def night(
    untouched: Recommender, context: PruningContext
) -> Callable[..., tuple[Hysteresis, PruningPlans]]:
    """Carries steps out on the trained model, holding to earlier cuts as asked."""

    def cut(
        *steps: Step, wanted: Repruning = FREE, before: dict[int, Cut] | None = None
    ) -> tuple[Hysteresis, PruningPlans]:
        hysteresis = Hysteresis(wanted, untouched.spec, before or {})
        return hysteresis, apply_recipe(Recipe("r", steps), untouched, context, hysteresis).plans

    return cut


def stranger(cut: Cut, seed: int) -> Cut:
    """A night that saw and kept other units, as many."""
    order = [torch.randperm(len(one), generator=torch.manual_seed(seed)) for one in cut.kept]
    kept = tuple(one[o] for one, o in zip(cut.kept, order, strict=True))
    scores = tuple(one[o] for one, o in zip(cut.scores, order, strict=True))
    return Cut(cut.granularity, scores, kept)


def test_the_first_night_cuts_as_without_a_memory(
    night: Callable[..., tuple[Hysteresis, PruningPlans]],
    untouched: Recommender,
    context: PruningContext,
) -> None:
    steps = (FIELDS, Step("embedding_dimension", "l2", keep=0.5), NEURONS)
    alone = apply_recipe(Recipe("r", steps), untouched, context).plans
    hysteresis, plans = night(*steps, wanted=Repruning())
    assert plans == alone
    assert [cut.granularity for cut in hysteresis.cuts.values()] == [s.granularity for s in steps]


def test_a_night_like_the_last_cuts_the_same(
    night: Callable[..., tuple[Hysteresis, PruningPlans]],
) -> None:
    steps = (Step("layer", "linearity", keep=0.5), Step("neuron", "taylor", keep=0.25))
    first, plans = night(*steps)
    second, again = night(*steps, wanted=Repruning(), before=first.cuts)
    assert again == plans
    assert overlaps(first.cuts, second.cuts) == {"layer": 1.0, "neuron": 1.0}


def test_units_are_remembered_by_their_place_in_the_dense_model(
    night: Callable[..., tuple[Hysteresis, PruningPlans]],
) -> None:
    halves = Step("neuron", "l2", keep=0.25, schedule="iterative", rounds=2)
    hysteresis, plans = night(halves)
    whole = [[*layer] for layer in plans.steps[0].neurons]
    left = [[whole[i][n] for n in layer] for i, layer in enumerate(plans.steps[1].neurons)]
    assert [cut.nonzero().flatten().tolist() for cut in hysteresis.cuts[1].kept] == left
    assert [int(scores.isfinite().sum()) for scores in hysteresis.cuts[1].scores] == [16, 16]


@pytest.mark.parametrize("step", [NEURONS, Step("weight", "magnitude", keep=0.2)])
def test_no_more_units_change_than_may(
    night: Callable[..., tuple[Hysteresis, PruningPlans]], step: Step
) -> None:
    (cut,) = night(step)[0].cuts.values()
    before = {0: stranger(cut, 3)}
    came = {}
    for share in (1.0, 0.25, 0.0):
        wanted = Repruning(decay=0, hysteresis=0, max_churn=share, max_loss=1)
        ((_, now),) = night(step, wanted=wanted, before=before)[0].cuts.items()
        kept = sum(int(one.sum()) for one in now.kept)
        new = [a & ~b for a, b in zip(now.kept, before[0].kept, strict=True)]
        came[share] = sum(int(one.sum()) for one in new)
    assert came[1.0] > 0.4 * kept
    assert 0 < came[0.25] <= math.ceil(0.25 * kept)
    assert came[0.0] == 0


def test_where_what_was_kept_is_worth_too_little_tonight_the_cut_is_made_anew(
    night: Callable[..., tuple[Hysteresis, PruningPlans]], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    (anew,) = night(NEURONS)[0].cuts.values()
    before = {0: stranger(anew, 3)}
    lost = 1 - worth(anew.scores, before[0].kept) / worth(anew.scores, anew.kept)
    for max_loss, kept in ((lost + 1e-3, before[0].kept), (lost - 1e-3, anew.kept)):
        wanted = Repruning(decay=0, hysteresis=0, max_churn=0, max_loss=max_loss)
        (now,) = night(NEURONS, wanted=wanted, before=before)[0].cuts.values()
        for one, other in zip(now.kept, kept, strict=True):
            assert torch.equal(one, other)
    less = f"{100 * lost:.1f} % less than the best tonight"
    assert caplog.messages == [f"the neurons kept last night score {less}: cut anew"]


def worth(scores: Sequence[torch.Tensor], kept: Sequence[torch.Tensor]) -> float:
    """The sum of the scores of what is kept."""
    return float(torch.cat([*scores])[torch.cat([*kept])].sum())


def test_the_best_of_the_new_units_come_first(
    night: Callable[..., tuple[Hysteresis, PruningPlans]],
) -> None:
    (free,) = night(NEURONS)[0].cuts.values()
    before = stranger(free, 3)
    wanted = Repruning(decay=0, hysteresis=0, max_churn=0.25, max_loss=1)
    (now,) = night(NEURONS, wanted=wanted, before={0: before})[0].cuts.values()
    scores, came, would = (
        torch.cat([*parts])
        for parts in (
            now.scores,
            [a & ~b for a, b in zip(now.kept, before.kept, strict=True)],
            [a & ~b for a, b in zip(free.kept, before.kept, strict=True)],
        )
    )
    assert scores[came].min() >= scores[would & ~came].max()


def test_a_unit_kept_last_night_stays_unless_another_is_worth_so_much_more(
    night: Callable[..., tuple[Hysteresis, PruningPlans]],
) -> None:
    (free,) = night(NEURONS)[0].cuts.values()
    # The last kept and the first not kept of the first layer change places.
    order = free.scores[0].argsort(descending=True)
    worse, better = int(order[8]), int(order[7])
    kept = free.kept[0].clone()
    kept[[worse, better]] = torch.tensor([True, False])
    before = {0: replace(free, kept=(kept, free.kept[1]))}
    gap = float(free.scores[0][better] / free.scores[0][worse]) - 1
    for hysteresis, stays in ((gap * 0.9, better), (gap * 1.1, worse)):
        wanted = Repruning(decay=0, hysteresis=hysteresis, max_churn=1, max_loss=1)
        (now,) = night(NEURONS, wanted=wanted, before=before)[0].cuts.values()
        assert now.kept[0][stays]
        assert now.kept[0].sum() == 8


def test_scores_are_a_mean_over_the_nights(
    night: Callable[..., tuple[Hysteresis, PruningPlans]],
) -> None:
    (tonight,) = night(NEURONS)[0].cuts.values()
    before = stranger(tonight, 1)
    wanted = Repruning(decay=0.75, hysteresis=0, max_churn=1, max_loss=1)
    (now,) = night(NEURONS, wanted=wanted, before={0: before})[0].cuts.values()
    for mean, new, old in zip(now.scores, tonight.scores, before.scores, strict=True):
        assert torch.allclose(mean, 0.25 * new + 0.75 * old)


def test_a_row_stays_where_it_is_seen_a_little_less_and_comes_freely(
    untouched: Recommender, context: PruningContext
) -> None:
    step = Step("embedding_row", "frequency", min_count=100)
    wanted = Repruning(decay=0, hysteresis=0.1, max_churn=0)

    def kept(counts: list[int], before: dict[int, Cut]) -> tuple[dict[int, Cut], list[int]]:
        calibration = replace(context.calibration, counts=(np.array([*counts, *[1] * 6]),) * 3)
        hysteresis = Hysteresis(wanted, untouched.spec, before)
        plan = hysteresis.choose_units(0, step, untouched, calibration)
        return hysteresis.cuts, kept_rows(plan, untouched.spec)[0].tolist()

    cuts, first = kept([300, 200, 150, 120, 100, 95], {})
    assert first == [0, 1, 2, 3, 4]
    assert kept([300, 95, 150, 120, 80, 100], cuts)[1] == [0, 1, 2, 3, 5]


def test_what_a_plan_keeps_is_what_units_say(
    night: Callable[..., tuple[Hysteresis, PruningPlans]], untouched: Recommender
) -> None:
    hysteresis, plans = night(FIELDS)
    (kept,) = kept_masks(plans.steps[0], "field", untouched.spec, hysteresis.cuts[0].scores)
    names = [n for n, stays in zip(untouched.spec.inputs, kept, strict=True) if stays]
    assert tuple(names) == plans.steps[0].inputs
    assert "noise" not in names

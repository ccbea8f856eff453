"""Cuts of a second night, with what the first one left in mind."""

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import torch

import plan_candidates
import prune_model
from accept_night import keep
from secateur import artifacts
from secateur.accepted import left_by_cuts
from secateur.artifacts import open_artifact
from secateur.contracts.candidates import Recipe, Step
from secateur.contracts.errors import CorruptArtifact
from secateur.contracts.manifest import MadeBy
from secateur.contracts.pruning import Overlap, PruningPlans
from secateur.model.recommender import Recommender
from secateur.pruning.recipes import Workshop, carry_out
from secateur.pruning.remembering import recall
from secateur.pruning.rows import kept_rows
from secateur.pruning.steadying import Cut, Steady, overlaps, units
from secateur.scenario.repruning import Repruning

from .test_prune_model import RECIPES, job, write_dense, write_features

NEURONS = Step("neuron", "l2", keep=0.25)
FIELDS = Step("field", "field_score", keep=0.5)
FREE = Repruning(decay=0, hysteresis=0, max_churn=1, max_loss=1)


@pytest.fixture
def night(untouched: Recommender, workshop: Workshop) -> Callable[..., tuple[Steady, PruningPlans]]:
    """Carries steps out on the trained model, holding to earlier cuts as asked."""

    def cut(
        *steps: Step, wanted: Repruning = FREE, before: dict[int, Cut] | None = None
    ) -> tuple[Steady, PruningPlans]:
        steady = Steady(wanted, untouched.spec, before or {})
        return steady, carry_out(Recipe("r", steps), untouched, workshop, steady).plans

    return cut


def stranger(cut: Cut, seed: int) -> Cut:
    """A night that saw and kept other units, as many."""
    order = [torch.randperm(len(one), generator=torch.manual_seed(seed)) for one in cut.kept]
    kept = tuple(one[o] for one, o in zip(cut.kept, order, strict=True))
    scores = tuple(one[o] for one, o in zip(cut.scores, order, strict=True))
    return Cut(cut.granularity, scores, kept)


def test_the_first_night_cuts_as_without_a_memory(
    night: Callable[..., tuple[Steady, PruningPlans]], untouched: Recommender, workshop: Workshop
) -> None:
    steps = (FIELDS, Step("embedding_dimension", "l2", keep=0.5), NEURONS)
    alone = carry_out(Recipe("r", steps), untouched, workshop).plans
    steady, plans = night(*steps, wanted=Repruning())
    assert plans == alone
    assert [cut.granularity for cut in steady.cuts.values()] == [s.granularity for s in steps]


def test_a_night_like_the_last_cuts_the_same(
    night: Callable[..., tuple[Steady, PruningPlans]],
) -> None:
    steps = (Step("layer", "linearity", keep=0.5), Step("neuron", "taylor", keep=0.25))
    first, plans = night(*steps)
    second, again = night(*steps, wanted=Repruning(), before=first.cuts)
    assert again == plans
    assert overlaps(first.cuts, second.cuts) == {"layer": 1.0, "neuron": 1.0}


def test_units_are_remembered_by_their_place_in_the_dense_model(
    night: Callable[..., tuple[Steady, PruningPlans]],
) -> None:
    halves = Step("neuron", "l2", keep=0.25, schedule="iterative", rounds=2)
    steady, plans = night(halves)
    whole = [[*layer] for layer in plans.steps[0].neurons]
    left = [[whole[i][n] for n in layer] for i, layer in enumerate(plans.steps[1].neurons)]
    assert [cut.nonzero().flatten().tolist() for cut in steady.cuts[1].kept] == left
    assert [int(scores.isfinite().sum()) for scores in steady.cuts[1].scores] == [16, 16]


@pytest.mark.parametrize("step", [NEURONS, Step("weight", "magnitude", keep=0.2)])
def test_no_more_units_change_than_may(
    night: Callable[..., tuple[Steady, PruningPlans]], step: Step
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
    night: Callable[..., tuple[Steady, PruningPlans]], caplog: pytest.LogCaptureFixture
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
    said = (
        f"last night kept of the neurons is worth {100 * lost:.1f} % less than the best: cut anew"
    )
    assert caplog.messages == [f"what {said}"]


def worth(scores: Sequence[torch.Tensor], kept: Sequence[torch.Tensor]) -> float:
    """The sum of the scores of what is kept."""
    return float(torch.cat([*scores])[torch.cat([*kept])].sum())


def test_the_best_of_the_new_units_come_first(
    night: Callable[..., tuple[Steady, PruningPlans]],
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
    night: Callable[..., tuple[Steady, PruningPlans]],
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
    night: Callable[..., tuple[Steady, PruningPlans]],
) -> None:
    (tonight,) = night(NEURONS)[0].cuts.values()
    before = stranger(tonight, 1)
    wanted = Repruning(decay=0.75, hysteresis=0, max_churn=1, max_loss=1)
    (now,) = night(NEURONS, wanted=wanted, before={0: before})[0].cuts.values()
    for mean, new, old in zip(now.scores, tonight.scores, before.scores, strict=True):
        assert torch.allclose(mean, 0.25 * new + 0.75 * old)


def test_a_row_stays_where_it_is_seen_a_little_less_and_comes_freely(
    untouched: Recommender, workshop: Workshop
) -> None:
    step = Step("embedding_row", "frequency", min_count=100)
    wanted = Repruning(decay=0, hysteresis=0.1, max_churn=0)

    def kept(counts: list[int], before: dict[int, Cut]) -> tuple[dict[int, Cut], list[int]]:
        evidence = replace(workshop.evidence, counts=(np.array([*counts, *[1] * 6]),) * 3)
        steady = Steady(wanted, untouched.spec, before)
        plan = steady.choose(0, step, untouched, evidence)
        return steady.cuts, kept_rows(plan, untouched.spec)[0].tolist()

    cuts, first = kept([300, 200, 150, 120, 100, 95], {})
    assert first == [0, 1, 2, 3, 4]
    assert kept([300, 95, 150, 120, 80, 100], cuts)[1] == [0, 1, 2, 3, 5]


def test_what_a_plan_keeps_is_what_units_say(
    night: Callable[..., tuple[Steady, PruningPlans]], untouched: Recommender
) -> None:
    steady, plans = night(FIELDS)
    (kept,) = units(plans.steps[0], "field", untouched.spec, steady.cuts[0].scores)
    names = [n for n, stays in zip(untouched.spec.inputs, kept, strict=True) if stays]
    assert tuple(names) == plans.steps[0].inputs
    assert "noise" not in names


@pytest.fixture
def accepted(tmp_path: Path) -> Path:
    """A run whose candidates were pruned with an earlier night accepted; its state beside it."""
    write_features(tmp_path / "features")
    write_dense(tmp_path / "dense", seed=0)
    plan_candidates.plan_candidates(job("plan_candidates", tmp_path, "plan"))
    prune(tmp_path, "candidates/hybrid")
    dense = open_artifact((tmp_path / "dense").as_uri(), "ModelBundle").digest
    candidates, vocabulary = str(tmp_path / "candidates"), tmp_path / "features/vocabulary.parquet"
    assert left_by_cuts(candidates, "another", vocabulary) is None
    left = left_by_cuts(candidates, dense, vocabulary)
    keep(job("accept_night", tmp_path, "accepted", state=str(tmp_path / "state")), left)
    (tmp_path / "state/prunings/2022-04-27").rename(tmp_path / "state/prunings/2022-04-26")
    return tmp_path


def prune(run: Path, output: str, recipe: str = "hybrid", wanted: Repruning | None = None) -> Path:
    task = job("prune_model", run, output, recipe=recipe, state=str(run / "state"))
    task.scenario = task.scenario.model_copy(update={"repruning": wanted or Repruning()})
    prune_model.prune_model(task)
    return run / output / "bundle"


def test_a_second_night_says_what_it_kept(accepted: Path) -> None:
    bundle = open_artifact(prune(accepted, "again").as_uri(), "ModelBundle")
    told = bundle.read("overlap.json", Overlap)
    # The dense model was not trained on from last night's: its neurons are others.
    assert told == Overlap("2022-04-27", {"value": 1.0})
    assert told.said == "100.0 % of values kept as on 2022-04-27"
    assert bundle.manifest.made_from["prunings"] != "none"


def test_neurons_are_held_to_where_the_dense_model_went_on(accepted: Path) -> None:
    write_dense(accepted / "dense", seed=1, start="warm")
    plan_candidates.plan_candidates(job("plan_candidates", accepted, "plan"))
    wanted = Repruning(max_churn=0, max_loss=1)
    bundle = open_artifact(prune(accepted, "again", wanted=wanted).as_uri(), "ModelBundle")
    assert bundle.read("overlap.json", Overlap).shares == {"neuron": 1.0, "value": 1.0}


def test_rows_are_found_again_by_the_values_that_they_stand_for(accepted: Path) -> None:
    write_dense(accepted / "later_dense", seed=1, rows=(31, 20, 6))  # an age more, an item less
    features, dense, later_dense = (
        open_artifact((accepted / name).as_uri(), kind)
        for name, kind in (
            ("features", "FeatureSet"),
            ("dense", "ModelBundle"),
            ("later_dense", "ModelBundle"),
        )
    )
    table = pq.read_table(features.file("vocabulary.parquet"))
    items = pc.equal(table["field"], "item")
    backwards = pc.if_else(items, pc.subtract(19, table["id"]), table["id"])
    with artifacts.create((accepted / "later").as_uri(), "FeatureSet") as draft:
        later = table.set_column(1, "id", backwards).filter(pc.not_equal(table["value"], "i0"))
        pq.write_table(later, draft.folder / "vocabulary.parquet")
        draft.seal(MadeBy("test", "0"), {}, {})
    hybrid, state = RECIPES[3], str(accepted / "state")
    same = recall(state, hybrid, dense, features, "2022-04-27")
    other = recall(
        state,
        hybrid,
        later_dense,
        open_artifact((accepted / "later").as_uri(), "FeatureSet"),
        "2022-04-27",
    )
    assert same is not None
    assert other is not None
    then, now = (past.cuts[0] for past in (same, other))
    assert torch.equal(now.kept[0], then.kept[0])
    assert now.kept[1].tolist() == then.kept[1].flip(0)[:-1].tolist()
    assert now.kept[1].any()
    assert now.kept[2].tolist() == [False] * 5  # ages are not held to: all of them stay
    assert torch.equal(now.scores[1], then.scores[1].flip(0)[:-1])


def test_a_recipe_that_was_not_there_is_cut_as_for_the_first_time(
    accepted: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "secateur.pruning"):
        bundle = prune(accepted, "other", recipe="rows")
    assert "no night before 2022-04-27 left cuts of rows" in caplog.text
    assert not (bundle / "overlap.json").exists()


def test_a_recipe_whose_steps_changed_is_cut_as_for_the_first_time(
    accepted: Path, caplog: pytest.LogCaptureFixture
) -> None:
    features = open_artifact((accepted / "features").as_uri(), "FeatureSet")
    dense = open_artifact((accepted / "dense").as_uri(), "ModelBundle")
    changed = replace(RECIPES[3], steps=RECIPES[3].steps[:1])
    assert recall(str(accepted / "state"), changed, dense, features, "2022-04-27") is None
    assert "hybrid has other steps or units than on 2022-04-27" in caplog.text


def test_a_forged_memory_is_refused(accepted: Path) -> None:
    shelf = accepted / "state/prunings/2022-04-26/hybrid.json"
    shelf.write_text(shelf.read_text().replace('"min_count": 20', '"min_count": 19'))
    with pytest.raises(CorruptArtifact):
        prune(accepted, "forged")

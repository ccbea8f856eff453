from dataclasses import replace

import numpy as np
import pytest
import torch

from secateur.contracts.candidates import Criterion, Recipe, Step, Student
from secateur.contracts.errors import ScenarioError, UsageError
from secateur.contracts.models import ModelSpec
from secateur.model.architectures.deepfm.network import DeepFM
from secateur.model.data.batches import Split
from secateur.model.data.inputs import Inputs
from secateur.pruning.cuts import selection
from secateur.pruning.importance.criteria import CRITERIA
from secateur.pruning.recipes import candidate_plan
from secateur.pruning.recipes.apply_recipe import RecipeRun
from secateur.pruning.recipes.pruning_context import PruningContext
from secateur.pruning.units.calibration import CalibrationData
from secateur.pruning.units.masks import unpack_mask
from secateur.pruning.units.table_rows import inputs_after_cut
from secateur.scenario import load_scenario

SPEC = ModelSpec("deepfm", ("a", "b", "c"), (5, 4, 6), 8, (10, 4))
HOLDOUT = Split(
    Inputs.of_ids(torch.zeros(4, 3, dtype=torch.int32)),
    torch.tensor([0.0, 1, 0, 1]),
    np.zeros(4, "datetime64[D]"),
)
CALIBRATION = CalibrationData(
    (np.array([40, 20, 10, 5, 1]), np.array([60, 10, 5, 1]), None), HOLDOUT
)


Counts = tuple[np.ndarray | None, ...]


def model() -> DeepFM:
    torch.manual_seed(0)
    return DeepFM(SPEC).eval()


def steps_of(dense: DeepFM, *steps: Step, counts: Counts = CALIBRATION.counts) -> RecipeRun:
    """All steps taken, each in one round, without repair."""
    calibration = replace(CALIBRATION, counts=counts)
    work = RecipeRun(
        Recipe("r", steps),
        dense,
        PruningContext(HOLDOUT, calibration, load_scenario("news").training, 1),
    )
    for step in steps:
        work.cut(step, step.keep or 1.0, 0)
    return work


def rows(**how: object) -> Step:
    return Step("embedding_row", "frequency", **how)  # type: ignore[arg-type]


def test_every_recipe_of_the_shipped_scenarios_fits_its_dense_model() -> None:
    for name in ("short_video", "short_video_click"):
        scenario = load_scenario(name)
        training = scenario.training
        spec = replace(SPEC, embedding_dim=training.embedding_dim, hidden=training.hidden)
        assert (
            candidate_plan.make_plan("digest", spec, scenario.recipes).recipes == scenario.recipes
        )


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        (Recipe("r", (Step("neuron", "frequency", keep=0.5),)), "neuron knows"),
        (Recipe("r", (Step("neuron", "l2"),)), "needs keep"),
        (Recipe("r", (Step("neuron", "l2", keep=0.5, min_count=3),)), "min_count is for"),
        (Recipe("r", (Step("neuron", "l2", keep=1.0),)), "not within 0..1"),
        (Recipe("r", (Step("neuron", "l2", keep=0.1),)), "leaves no unit of 4"),
        (Recipe("r", (Step("embedding_dimension", "l2", keep=0.05),)), "leaves no unit of 8"),
        (Recipe("r", (rows(keep=0.5, min_count=3),)), "not both"),
        (Recipe("r", (rows(min_count=3),), student=Student(4, (8,), 3)), "no steps"),
        (Recipe("r", student=Student(4, (8,), 3)), "learns nothing"),
        (Recipe("r", (rows(keep=0.5, allocation="erk"),)), "allocation is for weight and neuron"),
        (Recipe("r", (rows(keep=0.5, schedule="rigl", rounds=2),), 0.5), "rigl regrows weights"),
        (Recipe("r", (rows(min_count=3, schedule="cubic", rounds=2),), 0.5), "cubic needs keep"),
        (Recipe("r", (rows(keep=0.5, schedule="cubic", rounds=2),)), "for the rounds to share"),
        (Recipe("r", (rows(keep=0.5, schedule="cubic"),), 0.5), "cubic goes not with 1 rounds"),
        (Recipe("r", (rows(keep=0.5),), start="untrained"), "an untrained model learns nothing"),
        (Recipe("r", repair_epochs=0.5), "nothing to repair"),
        (Recipe("r", repair_epochs=-1.0), "negative"),
        (Recipe("r", tower_bits=8), "a tower of integers"),
        (Recipe("r", embedding_bits=8, rare_bits=2), "go together"),
        (Recipe("r", embedding_bits=8, rare_count=5), "go together"),
        (Recipe("r", embedding_bits=4, rare_bits=4, rare_count=5), "rare_bits are fewer"),
        (Recipe("r", rare_bits=4, rare_count=5), "rare_bits are fewer"),
        (Recipe("r", rounded_epochs=0.5), "float rows are not rounded"),
        (Recipe("r", product_parts=4), "codes of product_parts have 8 bits or fewer"),
        (Recipe("r", embedding_bits=8, product_parts=99), "have no 99 parts"),
    ],
)
def test_a_recipe_that_makes_no_sense_is_named(recipe: Recipe, message: str) -> None:
    with pytest.raises(ScenarioError, match=f"candidate r: .*{message}"):
        candidate_plan.make_plan("digest", SPEC, [recipe])


def test_a_plan_knows_its_recipes_and_the_baseline() -> None:
    plan = candidate_plan.make_plan("digest", SPEC, [Recipe("small", embedding_bits=8)])
    assert candidate_plan.recipe_named(plan, "small").embedding_bits == 8
    assert candidate_plan.recipe_named(plan, "dense") == Recipe("dense")
    with pytest.raises(UsageError, match=r"no recipe 'large', it has \['dense', 'small'\]"):
        candidate_plan.recipe_named(plan, "large")


def test_rows_seen_often_enough_stay_with_the_oov_row() -> None:
    assert selection.choose_units(rows(min_count=10), model(), CALIBRATION).heights == (4, 3, 6)
    assert selection.choose_units(rows(min_count=100), model(), CALIBRATION).heights == (1, 1, 6)


def test_a_share_of_rows_is_taken_over_all_fields() -> None:
    """Of 40 20 10 5 and 60 10 5, the top four are 60 40 20 and both tens."""
    assert selection.choose_units(rows(keep=3 / 7), model(), CALIBRATION).heights == (3, 2, 6)
    assert selection.choose_units(rows(keep=4 / 7), model(), CALIBRATION).heights == (4, 3, 6)


@pytest.mark.parametrize("criterion", ["l2", "taylor"])
def test_a_share_of_every_layers_neurons_stays(criterion: str) -> None:
    step = Step("neuron", criterion, keep=0.5)  # type: ignore[arg-type]
    cut = selection.choose_units(step, model(), CALIBRATION)
    assert [len(kept) for kept in cut.neurons] == [5, 2]
    assert (cut.heights, len(cut.dimensions)) == (SPEC.rows, 8)


def test_the_most_important_neurons_stay() -> None:
    strong = model()
    with torch.no_grad():
        strong.tower.layers[0].weight[[2, 7]] *= 100
    cut = selection.choose_units(Step("neuron", "l2", keep=0.2), strong, CALIBRATION)
    assert cut.neurons[0] == (2, 7)


def test_rows_that_stay_need_not_be_the_most_frequent() -> None:
    dense = model()
    with torch.no_grad():
        for table in (dense.embedding.weight, dense.first_order.weight):
            table[:9] *= 0.01
            table[[3, 6]] = 5  # a's fourth value, b's second
    step = Step("embedding_row", "frequency_l2", keep=2 / 7)
    plan = selection.choose_units(step, dense, CALIBRATION)
    assert plan.heights == (2, 2, 6)
    assert [
        unpack_mask(mask, (4 - i,)).nonzero().tolist() for i, mask in enumerate(plan.rows[:2])
    ] == [
        [[3]],
        [[1]],
    ]
    work = steps_of(dense, step)
    assert torch.equal(work.model.embedding.weight[0], dense.embedding.weight[3])
    ids = torch.tensor([[3, 1, 0], [0, 1, 5], [4, 3, 2]], dtype=torch.int32)
    found = inputs_after_cut(Inputs.of_ids(ids), plan, SPEC, work.model.spec)
    assert found.ids.tolist() == [[0, 0, 0], [1, 0, 5], [1, 1, 2]]
    assert [c if c is None else c.tolist() for c in work.context.calibration.counts] == [
        [5, 71],
        [10, 66],
        None,
    ]


@pytest.mark.parametrize("criterion", CRITERIA["embedding_row"])
def test_blocks_that_training_did_not_count_stay_whole(criterion: Criterion) -> None:
    plan = selection.choose_units(Step("embedding_row", criterion, keep=0.5), model(), CALIBRATION)
    assert plan.heights[2] == 6
    assert sum(plan.heights[:2]) < 9


def test_a_row_that_moves_no_score_goes_first() -> None:
    dense = model()
    with torch.no_grad():
        dense.tower.layers[0].weight[:, :8] = 0  # the tower does not see field a
        dense.first_order.weight[:5] = 0
        dense.embedding.weight[:5, 1:] = 0
        dense.embedding.weight[5:, 0] = 0  # and no pair has anything in common with it
        dense.embedding.weight[:5, 0] = 100 * torch.randn(5)
    by_norm, by_loss = (
        selection.choose_units(
            Step("embedding_row", criterion, keep=3 / 7), dense, CALIBRATION
        ).heights[0]
        for criterion in ("frequency_l2", "fisher")  # type: ignore[arg-type]
    )
    assert (by_norm > 1, by_loss) == (True, 1)


def test_a_step_that_changes_nothing_is_an_error() -> None:
    with pytest.raises(UsageError, match="changes nothing"):
        steps_of(model(), rows(min_count=2), counts=(np.full(5, 9), np.full(4, 9), None))


def test_what_is_cut_counts_as_oov_from_then_on() -> None:
    plan = selection.with_heights(SPEC, (3, 1, 6))
    cut = CALIBRATION.after_cut(plan, SPEC, replace(SPEC, rows=plan.heights))
    assert [c if c is None else c.tolist() for c in cut.counts] == [[40, 20, 16], [76], None]


def test_steps_follow_each_other() -> None:
    step = Step("embedding_dimension", "l2", keep=0.25)
    small = steps_of(model(), rows(min_count=10), step).model
    assert (small.spec.rows, small.spec.embedding_dim) == ((4, 3, 6), 2)

"""A search on a model that learned planted clicks: what it finds, keeps, and does out of time."""

from dataclasses import replace
from pathlib import Path

import pytest

from secateur.contracts.candidates import Recipe, Step
from secateur.contracts.features import BucketField, CategoryField, FeatureSchema, ListField
from secateur.model.architectures.network_settings import shapes_of
from secateur.model.architectures.recommender import Recommender
from secateur.pruning.recipes.apply_recipe import apply_recipe
from secateur.pruning.recipes.candidate_plan import make_plan
from secateur.pruning.recipes.pruning_context import PruningContext
from secateur.pruning.search.grid import Configuration
from secateur.pruning.search.search import TargetSearch, search
from secateur.pruning.search.sensitivity import scan_sensitivity
from secateur.pruning.search.trials import StoredOutcomes, Trials
from secateur.pruning.units import cost_model
from secateur.scenario.sections.search import Search, Target

SMALL = Target(name="small", max_bytes=12_400)
WANTED = Search(
    targets=(SMALL,),
    max_loss=0.02,
    min_counts=(1,),
    fields=(1.0, 0.75),
    dimensions=(1.0, 0.5),
    neurons=(1.0, 0.25),
    layers=(1.0, 0.5),
    proposals=4,
    repair_epochs=0.25,
    seeds=2,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return tmp_path_factory.mktemp("trials").as_uri()


def trials(
    dense: Recommender, context: PruningContext, folder: str, minutes: float = 9.0
) -> Trials:
    return Trials(dense, context, minutes, StoredOutcomes(folder, "work"))


@pytest.fixture(scope="module")
def found(
    trained: Recommender, context: PruningContext, folder: str
) -> tuple[list[Recipe], Trials]:
    tried = trials(trained, context, folder)
    return search(tried, WANTED), tried


def test_a_find_fits_its_target_and_stands_beside_its_controls(
    found: tuple[list[Recipe], Trials], trained: Recommender, context: PruningContext
) -> None:
    recipes, tried = found
    assert recipes[0].name == "small"
    assert {"small_student", "small_alone"} <= {recipe.name for recipe in recipes}
    assert make_plan("digest", trained.spec, recipes).recipes == tuple(recipes)
    model = apply_recipe(recipes[0], trained, context).model
    assert tried.cost(model.spec, recipes[0]).bytes <= 12_400
    finals = [t for t in tried.trials if t.stage == "final" and t.recipe.steps == recipes[0].steps]
    assert {trial.seed for trial in finals} == {3, 4}
    assert min(trial.outcome.auc for trial in finals) > tried.dense_auc - 0.02


def test_a_student_may_learn_half_as_long_again_as_the_dense_model(
    found: tuple[list[Recipe], Trials], context: PruningContext
) -> None:
    students = [recipe for recipe in found[0] if recipe.student]
    assert {one.repair_epochs for one in students} == {1.5 * context.training.max_epochs}


def test_the_controls_are_as_small_as_the_find(
    found: tuple[list[Recipe], Trials], trained: Recommender, context: PruningContext
) -> None:
    shapes = [apply_recipe(recipe, trained, context).model.spec for recipe in found[0]]
    sizes = {found[1].cost(spec, found[0][0]).bytes for spec in shapes}
    assert len(sizes) == 1


def test_a_search_run_again_reads_what_the_first_found(
    found: tuple[list[Recipe], Trials], trained: Recommender, context: PruningContext, folder: str
) -> None:
    """There is no time left to carry anything out."""
    again = trials(trained, context, folder, minutes=-1.0)
    assert search(again, WANTED) == found[0]
    assert again.record() == found[1].record()


def test_a_search_without_time_says_so_and_still_answers(
    trained: Recommender, context: PruningContext, tmp_path: Path
) -> None:
    tried = trials(trained, context, tmp_path.as_uri(), minutes=-1.0)
    recipes = search(tried, WANTED)
    assert tried.record().out_of_time
    assert recipes[0].name == "small"


def search_for(target: Target, tried: Trials, settings: Search = WANTED) -> TargetSearch:
    return TargetSearch(tried, settings, scan_sensitivity(tried, settings), target)


def test_proposals_fit_and_promise_the_least_loss(
    trained: Recommender, context: PruningContext, folder: str
) -> None:
    tried = trials(trained, context, folder)
    small = search_for(SMALL, tried)
    configurations = small.proposals()
    losses = [small.scan.loss(configuration) for configuration in configurations]
    assert len(losses) == 4
    assert losses == sorted(losses)
    assert max(small.scan.cost(one, tried).bytes for one in configurations) <= 12_400
    nothing_fits = search_for(Target(name="none", max_bytes=1), tried)
    (cheapest,) = nothing_fits.proposals()
    assert len(cheapest.steps) == sum(len(levels) > 1 for levels in small.scan.grid)


def test_what_loses_too_much_gives_the_worst_group_back(
    trained: Recommender, context: PruningContext, folder: str
) -> None:
    strict = WANTED.model_copy(update={"max_loss": 0.0, "repair_epochs": 0.1, "seeds": 1})
    small = search_for(SMALL, trials(trained, context, folder), strict)
    greedy = Configuration(tuple(levels[-1] for levels in small.scan.grid))
    relaxed = small.relax(greedy)
    assert len(relaxed.steps) < len(greedy.steps)


def test_costs_are_those_of_the_shapes(trained: Recommender) -> None:
    spec = trained.spec
    tower = 13 * 32 + 32 * 32 + 32
    assert shapes_of(spec.architecture).multiply_adds(spec) == tower
    fp32 = cost_model.predict_cost(spec, Recipe("r"), {})
    assert fp32.bytes == 36 * (4 * 4 + 4 + 5) + 4 * tower + cost_model.OTHER_BYTES
    int8 = Recipe("r", embedding_bits=8, tower_bits=8)
    assert fp32.us > cost_model.predict_cost(spec, int8, {}).us


def test_a_request_takes_as_long_as_its_columns_too(trained: Recommender) -> None:
    slow, quick = (
        cost_model.predict_cost(trained.spec, Recipe("r"), {"a": us, "not there": 9.0}).us
        for us in (30.0, 10.0)
    )
    assert slow == pytest.approx(quick + 20.0)


def test_of_a_request_the_candidates_texts_take_most() -> None:
    categories = CategoryField("user", "user", 9, 1), CategoryField("item", "item", 9, 1)
    buckets = BucketField("hour", "context", (1.0,)), BucketField("age", "item", (1.0,))
    lists = (ListField("tags", "item", 9, 5, ","),)
    schema = FeatureSchema("s", "label", categories, buckets, "", lists=lists)
    us = cost_model.encoding_us(schema)
    assert us["user"] == us["hour"] < us["age"] < us["item"] < us["tags"]


def test_where_time_is_short_columns_are_weighed_by_it(
    trained: Recommender, context: PruningContext, tmp_path: Path
) -> None:
    """What costs most goes first, though it is not worth least."""
    quick = Target(name="quick", max_us=200.0)
    wanted = WANTED.model_copy(update={"targets": (quick,)})
    calibration = replace(context.calibration, encoding={"a": 500.0})
    tried = trials(trained, replace(context, calibration=calibration), tmp_path.as_uri())
    (configuration, *_) = search_for(quick, tried, wanted).proposals()
    shapes = tried.shapes(configuration.recipe("quick", 0.0))
    assert "a" not in shapes.inputs
    assert tried.cost(shapes, configuration.recipe("quick", 0.0)).us <= 200.0


def test_a_configuration_has_its_steps_in_their_order() -> None:
    step = Step("neuron", "l2", keep=0.5)
    assert Configuration((None, step, None)).steps == (step,)

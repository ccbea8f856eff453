"""Recipes on a model that reads every kind of field: verbs in, packages out."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

import plan_candidates
import prune_model
import train_model
from all_kinds import SCHEMA, sealed_features
from secateur import artifacts
from secateur.artifacts import Artifact, open_artifact
from secateur.command import Job
from secateur.contracts.candidates import Recipe, Step, Student
from secateur.contracts.data import ValidationReport
from secateur.contracts.errors import ScenarioError
from secateur.contracts.manifest import MadeBy
from secateur.contracts.models import ModelSpec, TrainingCurve
from secateur.contracts.pruning import PruningPlans
from secateur.model.architectures.registry import ARCHITECTURES, spec_of
from secateur.model.bundle import load_bundle
from secateur.model.data.batches import load_split
from secateur.model.training.holdout import predict
from secateur.pruning.recipes import candidate_plan
from secateur.pruning.recipes.apply_recipe import PrunedModel
from secateur.pruning.units.calibration import read_counts
from secateur.scenario import Scenario, Training, load_scenario
from secateur.serving import scorer

ROWS = Step("embedding_row", "frequency", min_count=40)
RECIPES = (
    Recipe("int8", embedding_bits=8, tower_bits=8),
    Recipe("rows", (ROWS,), repair_epochs=0.5),
    Recipe("best_rows", (Step("embedding_row", "fisher", keep=0.5),), vocabulary="ascending"),
    Recipe("dimensions", (Step("embedding_dimension", "l2", keep=0.5),)),
    Recipe("hybrid", (ROWS, Step("neuron", "taylor", keep=0.5)), 0.5, 8, 8),
    Recipe("fields", (Step("field", "field_score", keep=0.6),)),
    Recipe("student", student=Student(3, (8,), 40), repair_epochs=2.0),
    Recipe(
        "aware",
        (ROWS,),
        embedding_bits=4,
        rare_bits=2,
        rare_count=80,
        rounded_epochs=1.0,
        vocabulary="ascending",
    ),
)
TRAINING = Training(batch_size=64, embedding_dim=4, hidden=(8, 6), learning_rate=1e-2, max_epochs=3)


def fits(recipe: Recipe, architecture: str) -> bool:
    """Whether a night would try the recipe: it is refused where it is for parts that are not."""
    training = TRAINING.model_copy(update={"architecture": architecture})
    try:
        candidate_plan.make_plan("digest", spec_of(SCHEMA, training), [recipe])
    except ScenarioError:
        return False
    return True


FITTING = {name: [one for one in RECIPES if fits(one, name)] for name in ARCHITECTURES}
EXACT = ("dense", "rows", "best_rows", "dimensions", "student")
# What an architecture couples to its units; the others cut or round the tables that all share.
COUPLED = ("dense", "dimensions", "hybrid", "fields")
CASES = [
    pytest.param(
        name, recipe, marks=() if name == "deepfm" or recipe in COUPLED else pytest.mark.proof
    )
    for name, fit in FITTING.items()
    for recipe in ("dense", *(one.name for one in fit))
]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A run's folder an architecture, with `features`, `dense` and `plan`."""
    return {name: started(tmp_path_factory.mktemp(name), name) for name in FITTING}


@pytest.fixture(scope="module")
def run(runs: dict[str, Path]) -> Path:
    return runs["deepfm"]


def started(folder: Path, architecture: str) -> Path:
    features = sealed_features(folder / "features")
    with artifacts.create((folder / "validation").as_uri(), "ValidationReport") as draft:
        draft.write("report.json", ValidationReport(features.digest, True, 900, ()))
        draft.seal(MadeBy("test", "0"), {}, {})
    train_model.train_model(job("train_model", folder, "dense", architecture))
    plan_candidates.plan_candidates(job("plan_candidates", folder, "plan", architecture))
    return folder


def scenario(architecture: str) -> Scenario:
    training = TRAINING.model_copy(update={"architecture": architecture})
    return load_scenario("short_video").model_copy(
        update={"training": training, "candidates": tuple(FITTING[architecture])}
    )


def job(verb: str, run: Path, output: str, architecture: str = "deepfm", **flags: str) -> Job:
    inputs = ("features", "validation", "dense", "plan")
    uris = {name: (run / name).as_uri() for name in (*inputs, "output")}
    return Job(verb, scenario(architecture), uris | {"output": (run / output).as_uri()} | flags)


def pruned(run: Path, recipe: str, architecture: str = "deepfm") -> tuple[Artifact, Artifact]:
    prune_model.prune_model(job("prune_model", run, recipe, architecture, recipe=recipe))
    bundle = open_artifact((run / recipe / "bundle").as_uri(), "ModelBundle")
    return bundle, open_artifact((run / recipe / "package").as_uri(), "Package")


@pytest.mark.parametrize(("architecture", "recipe"), CASES)
def test_bundle_and_package_of_a_recipe_score_raw_values_alike(
    runs: dict[str, Path], architecture: str, recipe: str
) -> None:
    run = runs[architecture]
    bundle, package = pruned(run, recipe, architecture)
    features = open_artifact((run / "features").as_uri(), "FeatureSet")
    model, served = load_bundle(bundle), scorer.load(package.folder)
    blocks = (*served.schema.fields, *served.schema.own_lists)
    assert tuple(field.size for field in blocks) == model.spec.rows
    whole = open_artifact((run / "dense").as_uri(), "ModelBundle").read("model.json", ModelSpec)
    cuts = PrunedModel(model, TrainingCurve((), 0), bundle.read("plans.json", PruningPlans))
    inputs = cuts.adapt_inputs(load_split(features, "tune").inputs, whole)
    expected = torch.sigmoid(predict(model, inputs)).numpy()
    table = pq.read_table(features.folder / "tune")
    columns = {f.name: table[f"value_{f.name}"].to_pylist() for f in SCHEMA.inputs}
    found = served.score(columns, hashed=True)
    assert np.abs(found - expected).max() < (1e-5 if recipe in EXACT else 0.02)
    assert expected.std() > 0.01


def test_every_recipe_fits_most_architectures() -> None:
    """The cases above are those that the plan accepts: it must not refuse what it should not."""
    assert all(sum(one in fit for fit in FITTING.values()) >= 7 for one in RECIPES)
    assert FITTING["deepfm"] == [*RECIPES]


@pytest.mark.parametrize(
    ("architecture", "recipe", "message"),
    [
        ("lr", "dimensions", "leaves no unit of 0"),
        ("fm", "hybrid", "neuron: keep 0.5 leaves no unit of 0"),
        ("fm", "student", "the student has not the parts of fm"),
        ("lr", "student", "the student has not the parts of lr"),
    ],
)
def test_a_recipe_for_parts_that_an_architecture_lacks_is_refused(
    architecture: str, recipe: str, message: str
) -> None:
    training = TRAINING.model_copy(update={"architecture": architecture})
    chosen = [one for one in RECIPES if one.name == recipe]
    with pytest.raises(ScenarioError, match=message):
        candidate_plan.make_plan("digest", spec_of(SCHEMA, training), chosen)


def test_a_shared_list_follows_the_rows_of_its_category(run: Path) -> None:
    bundle, package = pruned(run, "rows")
    schema = scorer.load(package.folder).schema
    sizes = {field.name: field.size for field in (*schema.categories, *schema.lists)}
    assert sizes["seen"] == sizes["alike"] == sizes["item"] < 21
    assert load_bundle(bundle).spec.lists[1].block == 1


def test_values_in_lists_are_counted_with_the_unknown_ones(run: Path) -> None:
    features = open_artifact((run / "features").as_uri(), "FeatureSet")
    counts = dict(
        zip(("user_id", "item", "age", "tags", "seen_types"), read_counts(features), strict=True)
    )
    for name in ("tags", "seen_types"):
        lists = pq.read_table(features.folder / "train")[name].to_pylist()
        values = [value for row in lists for value in row]
        assert counts[name] is not None
        assert counts[name].tolist() == np.bincount(values).tolist()
    assert counts["age"] is None

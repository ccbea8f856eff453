"""Both verbs on a small FeatureSet: from a dense bundle to packages that services can load."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

import plan_candidates
import prune_model
from secateur import artifacts
from secateur.artifacts import open_artifact
from secateur.command import Job
from secateur.contracts.candidates import Recipe, Step, Student
from secateur.contracts.errors import ArtifactError, SkewRefused, UsageError
from secateur.contracts.features import BucketField, CategoryField, FeatureSchema
from secateur.contracts.judgement import Refusal
from secateur.contracts.manifest import MadeBy
from secateur.contracts.models import ModelSpec, TrainingCurve
from secateur.model.architectures.deepfm.network import DeepFM
from secateur.model.bundle import load_bundle, save_bundle
from secateur.model.data.inputs import Inputs
from secateur.packaging import assembly
from secateur.packaging.graph.parts import Parts
from secateur.pruning.units.calibration import read_counts
from secateur.scenario import Scenario, Training, load_scenario
from secateur.serving import scorer

SCHEMA = FeatureSchema(
    "short_video",
    "liked",
    (CategoryField("user", "user", 31, 1, hashed=True), CategoryField("item", "item", 21, 1)),
    (BucketField("age", "user", (18.0, 40.0)),),
    "0123456789abcdef",
)
USERS = [f"{u:016x}" for u in range(30)]
ROWS = Step("embedding_row", "frequency", min_count=20)
RECIPES = (
    Recipe("sparse", (Step("weight", "magnitude", keep=0.2),)),
    Recipe("int8", embedding_bits=8, tower_bits=8),
    Recipe("rows", (ROWS,), repair_epochs=0.5),
    Recipe("hybrid", (ROWS, Step("neuron", "taylor", keep=0.5)), 0.5, 4, 8),
    Recipe("student", student=Student(3, (4,), 20), repair_epochs=1.0),
    Recipe("aware", (ROWS,), 0.0, 2, 4, rounded_epochs=0.5, vocabulary="ascending"),
    Recipe("idle", (Step("embedding_row", "frequency", min_count=1),)),
)
MADE_BY = MadeBy("test", "0")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run's folder with `features`, `dense` and `plan`."""
    folder = tmp_path_factory.mktemp("run")
    write_features(folder / "features")
    write_dense(folder / "dense", seed=0)
    plan_candidates.plan_candidates(job("plan_candidates", folder, output="plan"))
    return folder


def scenario() -> Scenario:
    training = Training(batch_size=64, embedding_dim=4, hidden=(8, 6), dropout=0.1)
    return load_scenario("short_video").model_copy(
        update={"training": training, "candidates": RECIPES}
    )


def job(verb: str, run: Path, output: str, **flags: str) -> Job:
    uris = {name: (run / name).as_uri() for name in ("features", "dense", "plan")}
    return Job(verb, scenario(), {**uris, "output": (run / output).as_uri(), **flags})


def pruned(run: Path, recipe: str, output: str | None = None) -> Path:
    folder = output or f"candidates/{recipe}"
    prune_model.prune_model(job("prune_model", run, folder, recipe=recipe))
    return run / folder


def write_features(folder: Path) -> None:
    random = np.random.default_rng(0)
    with artifacts.create(folder.as_uri(), "FeatureSet") as draft:
        draft.write("schema.json", SCHEMA)
        counts = {}
        for split, rows in (("train", 900), ("tune", 200)):
            ids = {
                "user": np.sort(random.integers(0, 31, rows)),
                "item": np.minimum(random.geometric(0.15, rows) - 1, 20),
                "age": random.integers(0, 4, rows),
            }
            liked = random.random(rows) < 0.2 + 0.03 * ids["item"]
            days = np.sort(random.choice(["2022-04-25", "2022-04-26", "2022-04-27"], rows))
            columns = {name: pa.array(column, pa.int32()) for name, column in ids.items()}
            columns |= {"label": pa.array(liked.astype(np.int8)), "day": pa.array(days)}
            if split == "tune":
                columns |= {
                    "value_user": pa.array([[*USERS, None][i] for i in ids["user"]]),
                    "value_item": pa.array([f"i{i}" if i < 20 else None for i in ids["item"]]),
                    "value_age": pa.array([[10.0, 20.0, 50.0, None][i] for i in ids["age"]]),
                }
            else:
                counts = {name: np.bincount(ids[name], minlength=31) for name in ids}
            (folder / split).mkdir()
            pq.write_table(pa.table(columns), folder / split / "part-00000.parquet")
        words = [("user", i, v, counts["user"][i]) for i, v in enumerate(USERS)]
        words += [("item", i, f"i{i}", counts["item"][i]) for i in range(20)]
        names = ("field", "id", "value", "count")
        table = pa.table({n: [row[k] for row in words] for k, n in enumerate(names)})
        pq.write_table(table, folder / "vocabulary.parquet")
        facts = {"rows": {"train": 900}, "days": {"train": ["2022-04-25", "2022-04-27"]}}
        draft.seal(MADE_BY, {}, facts)


def write_dense(
    folder: Path, seed: int, start: str = "cold", rows: tuple[int, ...] = (31, 21, 4)
) -> None:
    torch.manual_seed(seed)
    model = DeepFM(ModelSpec("deepfm", ("user", "item", "age"), rows, 4, (8, 6))).eval()
    torch.nn.init.normal_(model.embedding.weight, std=0.3)
    with artifacts.create(folder.as_uri(), "ModelBundle") as draft:
        save_bundle(draft, model)
        draft.write("curve.json", TrainingCurve((), 0))
        draft.seal(MADE_BY, {}, {"start": start})


def test_the_plan_names_the_recipes_to_fan_out_over(
    run: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SECATEUR_ANSWER", str(tmp_path / "answer"))
    task = job("plan_candidates", run, output="another_plan")
    plan_candidates.plan_candidates(task)
    task.deliver()
    assert json.loads((tmp_path / "answer").read_text()) == [recipe.name for recipe in RECIPES]


def test_counts_add_up_to_the_rows_trained_on(run: Path) -> None:
    users, items, age = read_counts(open_artifact((run / "features").as_uri(), "FeatureSet"))
    assert users is not None and items is not None
    assert (len(users), len(items), age) == (31, 21, None)
    assert users.sum() == items.sum() == 900
    trained = pq.read_table(run / "features/train/part-00000.parquet")["item"].to_numpy()
    assert items.tolist() == np.bincount(trained, minlength=21).tolist()


@pytest.mark.parametrize("recipe", ["dense", "int8", "rows", "hybrid", "student"])
def test_bundle_and_package_of_a_recipe_agree(run: Path, recipe: str) -> None:
    folder = pruned(run, recipe)
    bundle = open_artifact((folder / "bundle").as_uri(), "ModelBundle")
    package = open_artifact((folder / "package").as_uri(), "Package")
    model, served = load_bundle(bundle), scorer.load(package.folder)
    sizes = tuple(field.size for field in served.schema.fields)
    assert sizes == model.spec.rows
    ids = np.random.default_rng(1).integers(0, sizes, (100, 3)).astype(np.int32)
    with torch.no_grad():
        expected = torch.sigmoid(model(Inputs.of_ids(torch.as_tensor(ids)))).numpy()
    exact = recipe not in ("int8", "hybrid")
    assert np.abs(served.score_ids(served.inputs_of(ids)) - expected).max() < (
        1e-5 if exact else 0.05
    )
    assert package.manifest.facts["recipe"] == recipe
    assert package.manifest.made_from["dense"] == package.manifest.facts["dense"]


def test_a_recipe_makes_the_model_really_smaller(run: Path) -> None:
    model = load_bundle(
        open_artifact((pruned(run, "hybrid", "smaller") / "bundle").as_uri(), "ModelBundle")
    )
    counts = read_counts(open_artifact((run / "features").as_uri(), "FeatureSet"))
    expected = [1 + int((c[:-1] >= 20).sum()) for c in counts if c is not None]
    assert model.spec.rows == (*expected, 4)
    assert model.spec.hidden == (4, 3)
    assert expected < [31, 21]


def test_the_dense_recipe_packages_the_dense_weights(run: Path) -> None:
    packaged = open_artifact((pruned(run, "dense", "base") / "bundle").as_uri(), "ModelBundle")
    dense = open_artifact((run / "dense").as_uri(), "ModelBundle")
    before, after = (load_bundle(bundle).state_dict() for bundle in (dense, packaged))
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_zeros_are_counted_but_save_nothing(run: Path) -> None:
    manifests = [
        artifacts.read_manifest((pruned(run, recipe, f"{recipe}_zeros") / "package").as_uri())
        for recipe in ("dense", "sparse")
    ]
    dense, sparse = (manifest.facts for manifest in manifests)
    weights = 12 * 8 + 8 * 6 + 6  # of the tower, biases apart
    assert sparse["parameters"] == dense["parameters"]
    assert dense["nonzero"] - sparse["nonzero"] == weights - round(0.2 * weights)
    assert abs(manifests[1].bytes - manifests[0].bytes) < 300  # the recipe's own words


@pytest.mark.parametrize("recipe", ["hybrid", "student", "aware"])
def test_the_same_work_gives_the_same_digests(run: Path, recipe: str) -> None:
    folders = [pruned(run, recipe, f"{recipe}_{n}") for n in (1, 2)]
    for part in ("bundle", "package"):
        first, second = (artifacts.read_manifest((f / part).as_uri()).digest for f in folders)
        assert first == second


def test_the_answer_is_where_the_package_lies(
    run: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SECATEUR_ANSWER", str(tmp_path / "answer"))
    task = job("prune_model", run, "answered", recipe="int8")
    prune_model.prune_model(task)
    task.deliver()
    assert open_artifact(json.loads((tmp_path / "answer").read_text()), "Package")


def test_a_step_that_changes_nothing_seals_nothing(run: Path) -> None:
    with pytest.raises(UsageError, match="changes nothing"):
        pruned(run, "idle")
    assert not artifacts.is_sealed((run / "candidates/idle/package").as_uri())


@pytest.mark.parametrize("recipe", ["dense", "int8"])
def test_a_package_with_a_wrong_scale_is_refused_unsealed(
    run: Path, monkeypatch: pytest.MonkeyPatch, recipe: str
) -> None:
    build = assembly.build_graph

    def planted(parts: Parts) -> bytes:
        return build(replace(parts, table=replace(parts.table, steps=1.5 * parts.table.steps)))

    monkeypatch.setattr(assembly, "build_graph", planted)
    with pytest.raises(SkewRefused, match=r"\d+ of 200 held-out rows differ, row \d+ by") as told:
        pruned(run, recipe, f"planted_{recipe}")
    assert told.value.exit_code == 65
    assert artifacts.is_sealed((run / f"planted_{recipe}/bundle").as_uri())
    assert not artifacts.is_sealed((run / f"planted_{recipe}/package").as_uri())
    refusal = open_artifact((run / f"planted_{recipe}/refusal").as_uri(), "Refusal")
    assert refusal.read("refusal.json", Refusal).reason == str(told.value)


def test_a_plan_for_another_dense_model_is_refused(run: Path) -> None:
    write_dense(run / "other", seed=1)
    other = (run / "other").as_uri()
    with pytest.raises(ArtifactError, match="the receipt names"):
        prune_model.prune_model(job("prune_model", run, "x", recipe="int8", dense=other))


def test_a_recipe_that_the_plan_lacks_is_refused(run: Path) -> None:
    with pytest.raises(UsageError, match="no recipe 'large'"):
        pruned(run, "large")


@pytest.mark.parametrize("recipe", ["dense", "sparse", "int8"])
def test_every_package_is_recalibrated_alike_where_the_scenario_asks(
    run: Path, recipe: str
) -> None:
    plain = scenario()
    training = plain.training.model_copy(update={"recalibrate": True})
    asked = job("prune_model", run, f"recalibrated/{recipe}", recipe=recipe)
    asked.scenario = plain.model_copy(update={"training": training})
    prune_model.prune_model(asked)
    package = open_artifact(str(run / f"recalibrated/{recipe}/package"), "Package")
    moved = package.manifest.facts["bias_moved"]
    assert moved != 0
    before, after = (
        load_bundle(open_artifact(str(folder / "bundle"), "ModelBundle")).bias
        for folder in (pruned(run, recipe), run / f"recalibrated/{recipe}")
    )
    assert (after - before).item() == pytest.approx(moved, abs=1e-6)

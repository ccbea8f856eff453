"""A warm night goes on from the last accepted dense model, row by row by what each stands for."""

import logging
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import load_file
from torch.nn import functional

from accept_night import keep
from secateur import artifacts
from secateur.accepted import MASTER, MASTERS, TENSORS, left_by_model
from secateur.artifacts import Artifact
from secateur.command import Job
from secateur.contracts.data import ValidationReport
from secateur.contracts.errors import CorruptArtifact
from secateur.contracts.features import (
    BucketField,
    CategoryField,
    FeatureSchema,
    ListField,
    NumberField,
    VectorField,
)
from secateur.contracts.manifest import MadeBy
from secateur.contracts.models import TrainingCurve
from secateur.model.architectures.recommender import Recommender
from secateur.model.architectures.registry import new_model
from secateur.model.data.inputs import Inputs
from secateur.model.data.streaming import open_stream
from secateur.model.distributed import SINGLE_PROCESS
from secateur.model.optimization import optimizers
from secateur.model.optimization.optimizers import ModelOptimizer, TrainingState
from secateur.model.warm_start import row_keys, warm_start
from secateur.scenario import Scenario, load_scenario
from train_model import train_model

from .conftest import SCHEMA, TRAINING

ROWS = 600
WORTH = {name: worth for worth, name in enumerate("abcdef")}  # what a video does to its label
SHAPE = ("start=warm", "hidden=[8]", "embedding_dim=4", "batch_size=64")
COURSE = ("learning_rate=0.01", "dropout=0", "max_epochs=6", "patience=99")
SETTINGS = tuple(f"training.{setting}" for setting in (*SHAPE, *COURSE))


def schema_of(videos: str, words: str) -> FeatureSchema:
    return FeatureSchema(
        "small",
        "clicked",
        (
            CategoryField("user", "user", 4, 1, hashed=True),
            CategoryField("video", "item", len(videos) + 1, 1),
        ),
        (BucketField("hour", "context", (6.0, 12.0)),),
        "key",
        (NumberField("price", "item", "log"),),
        (ListField("words", "item", len(words) + 1, 3, " "),),
        (VectorField("image", "item", 2, " "),),
    )


def write_features(folder: Path, days: tuple[str, ...], videos: str, words: str = "xy") -> Artifact:
    """Seal a FeatureSet whose videos and words have ids in this order."""
    random = np.random.default_rng(int(days[-1][-2:]))
    with artifacts.create(str(folder), "FeatureSet") as draft:
        draft.write("schema.json", schema_of(videos, words))
        known = {"user": "pqr", "video": videos, "words": words}
        table = pa.concat_tables(
            pa.table({"field": [name] * len(all_), "value": list(all_)})
            for name, all_ in known.items()
        )
        pq.write_table(table, draft.folder / "vocabulary.parquet")
        for split, listed in (("train", days), ("tune", days[-1:])):
            (draft.folder / split).mkdir()
            for day in listed:
                write_day(draft.folder / split / f"part-{day}.parquet", day, videos, words, random)
        draft.seal(MadeBy("by hand", "0"), {}, {})
    return artifacts.open_artifact(str(folder), "FeatureSet")


def write_day(file: Path, day: str, videos: str, words: str, random: np.random.Generator) -> None:
    """Rows of a day: the video decides about the label."""
    ids = random.integers(0, len(videos), ROWS)
    chance = np.array([WORTH[name] for name in videos])[ids] / len(WORTH)
    columns = {
        "user": random.integers(0, 4, ROWS, dtype=np.int32),
        "video": ids.astype(np.int32),
        "hour": random.integers(0, 4, ROWS, dtype=np.int32),
        "price": random.normal(size=ROWS).astype(np.float32),
        "words": pa.array([[one % len(words)] for one in range(ROWS)], pa.list_(pa.int32())),
        "image": pa.array([[0.5, 1.0]] * ROWS, pa.list_(pa.float32())),
        "label": (random.random(ROWS) < chance).astype(np.int8),
        "day": [day] * ROWS,
        "item_key": [videos[one] for one in ids],
        "user_hash": [f"u{n % 50}" for n in range(ROWS)],
        "time_ms": np.arange(ROWS),
    }
    pq.write_table(pa.table(columns), file)


def trained(features: Artifact, state: Path, *settings: str) -> Artifact:
    """Train on features that passed, and accept the night."""
    folder = features.folder.parent
    report = folder / f"report of {features.folder.name}"
    with artifacts.create(str(report), "ValidationReport") as draft:
        draft.write("report.json", ValidationReport(features.digest, True, 1, ()))
        draft.seal(MadeBy("by hand", "0"), {}, {})
    flags = {"features": features.uri, "validation": str(report), "state": str(state)}
    output = str(folder / f"dense of {features.folder.name}")
    train_model(Job("train_model", scenario(*settings), flags | {"output": output}))
    accept = {"dense": output, "state": str(state), "output": str(folder / "accepted")}
    bundle = artifacts.open_artifact(output, "ModelBundle")
    keep(Job("accept_night", scenario(*settings), accept), left_by_model(bundle))
    return bundle


def scenario(*settings: str) -> Scenario:
    return load_scenario("short_video", (*SETTINGS, *settings))


@pytest.fixture
def first(tmp_path: Path) -> Artifact:
    """Three days, the last of which is held out."""
    return write_features(tmp_path / "first", ("2024-01-01", "2024-01-02", "2024-01-03"), "abcde")


@pytest.fixture
def second(tmp_path: Path) -> Artifact:
    """A day later: ranked otherwise, with a video that is new and one that is gone."""
    return write_features(
        tmp_path / "second", ("2024-01-02", "2024-01-03", "2024-01-04"), "edfcb", "yzx"
    )


def test_a_warm_night_trains_on_the_new_days_alone(
    first: Artifact, second: Artifact, tmp_path: Path
) -> None:
    cold = trained(first, tmp_path / "state")
    warm = trained(second, tmp_path / "state")
    assert [b.manifest.facts["start"] for b in (cold, warm)] == ["cold", "warm"]
    curves = [bundle.read("curve.json", TrainingCurve) for bundle in (cold, warm)]
    assert [curve.evaluations[-1].samples for curve in curves] == [6 * 2 * ROWS, 6 * ROWS]
    began, best = curves[1].evaluations[0], curves[1].evaluations[curves[1].best]
    assert (began.samples, began.holdout_auc > 0.6) == (0, True)
    assert best.holdout_loss <= began.holdout_loss
    kept = sorted(p.name for p in (tmp_path / "state" / "masters").iterdir())
    assert kept == ["2024-01-02", "2024-01-03"]
    master = MASTERS.before(str(tmp_path / "state"), "2024-01-03")
    assert master is not None
    assert warm.manifest.made_from["master"] == master[1].digest


def test_a_warm_night_is_not_stopped_by_its_first_evaluations(
    first: Artifact, second: Artifact, tmp_path: Path
) -> None:
    trained(first, tmp_path / "state")
    hasty = ("training.patience=1", "training.learning_rate=0.3")
    warm = trained(second, tmp_path / "state", *hasty).read("curve.json", TrainingCurve)
    before, first_look, *_, last = warm.evaluations
    assert first_look.holdout_loss > before.holdout_loss
    assert last.samples == 6 * ROWS


def test_a_night_run_again_goes_on_from_what_it_went_on_from(
    first: Artifact, second: Artifact, tmp_path: Path
) -> None:
    trained(first, tmp_path / "state")
    once, again = (trained(second, tmp_path / "state") for _ in range(2))
    assert once.digest == again.digest


@pytest.mark.parametrize("optimizer", ["adam", "lazy_adam", "rowwise_adagrad"])
def test_rows_and_their_moments_travel_by_what_they_stand_for(
    first: Artifact, second: Artifact, tmp_path: Path, optimizer: str
) -> None:
    settings = f"training.embedding_optimizer={optimizer}"
    bundle = trained(first, tmp_path / "state", settings)
    state, model = begun(second, tmp_path / "state", settings)
    old, new = keys_of(first), keys_of(second)
    fresh = model.state_dict()["embedding.weight"]
    learned = load_file(bundle.file(TENSORS))
    for row, key in enumerate(new):
        found = state.weights["embedding.weight"][row]
        weight = learned["embedding.weight"]
        assert torch.equal(found, weight[old.index(key)] if key in old else fresh[row]), key
    names = ["sum"] if optimizer == "rowwise_adagrad" else ["exp_avg", "exp_avg_sq"]
    for name in (f"embedding.weight.{name}" for name in names):
        before, now = learned[f"moments:{name}"], state.moments[name]
        rows = [before[old.index(key)] if key in old else 0 * before[0] for key in new]
        assert before.any()
        assert torch.equal(now, torch.stack(rows))
    assert [key for key in new if key not in old] == ["video\nf", "words\nz"]


def begun(features: Artifact, state: Path, *settings: str) -> tuple[TrainingState, Recommender]:
    """What a night would go on from, and its untrained model."""
    training = scenario(*settings).training
    schema = features.read("schema.json", FeatureSchema)
    model = new_model(schema, training, 1)
    train, _ = open_stream(features, "train", 100).split_holdout(1)
    start = warm_start(str(state), model, features, train)
    assert start.state is not None
    return start.state, model


def keys_of(features: Artifact) -> list[str]:
    schema = features.read("schema.json", FeatureSchema)
    keys: list[str] = row_keys(schema, features.file("vocabulary.parquet")).to_pylist()
    return keys


def test_every_row_of_the_tables_has_a_key_of_its_own(first: Artifact) -> None:
    assert keys_of(first) == [
        *("user\tkey\np", "user\tkey\nq", "user\tkey\nr", "user"),
        *("video\na", "video\nb", "video\nc", "video\nd", "video\ne", "video"),
        *(f"hour\t{place} of 4" for place in range(4)),
        *("words\nx", "words\ny", "words"),
        *("price", "image\t0", "image\t1"),
    ]


def test_users_hashed_by_another_key_are_others(first: Artifact) -> None:
    schema = first.read("schema.json", FeatureSchema)
    other = row_keys(replace(schema, id_key="other"), first.file("vocabulary.parquet"))
    assert [key in keys_of(first) for key in other.to_pylist()][:5] == [False] * 3 + [True] * 2


def test_other_layers_are_a_cold_start_that_says_so(
    first: Artifact, second: Artifact, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    trained(first, tmp_path / "state")
    for change in ("training.hidden=[9]", "training.batch_norm=true", "training.embedding_dim=5"):
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            bundle = trained(second, tmp_path / "state", change)
        assert "cold start: the master of 2024-01-02 has other layers" in caplog.text
        assert bundle.manifest.facts["start"] == "cold"
        shutil.rmtree(tmp_path / "state" / "masters" / "2024-01-03")


def test_norms_go_on_unfolded(first: Artifact, second: Artifact, tmp_path: Path) -> None:
    trained(first, tmp_path / "state", "training.batch_norm=true")
    warm = trained(second, tmp_path / "state", "training.batch_norm=true")
    assert warm.manifest.facts["start"] == "warm"
    assert warm.read("curve.json", TrainingCurve).evaluations[0].holdout_auc > 0.6


def test_a_master_under_another_day_is_corrupt(
    first: Artifact, second: Artifact, tmp_path: Path
) -> None:
    trained(first, tmp_path / "state")
    masters = tmp_path / "state" / "masters"
    (masters / "2024-01-02").rename(masters / "2024-01-01")
    with pytest.raises(CorruptArtifact, match="holds the master of 2024-01-02"):
        trained(second, tmp_path / "state")


def test_a_cold_scenario_leaves_nothing(first: Artifact, tmp_path: Path) -> None:
    bundle = trained(first, tmp_path / "state", "training.start=cold")
    assert MASTER not in {entry.path for entry in bundle.manifest.files}
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize("optimizer", ["adam", "lazy_adam", "rowwise_adagrad"])
def test_going_on_is_as_if_one_had_never_stopped(
    optimizer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(optimizers, "learning_rates", lambda peak, steps, _: np.full(steps, peak))
    training = TRAINING.model_copy(update={"embedding_optimizer": optimizer})
    ids = torch.randint(0, 30, (40, 8, 3), generator=torch.Generator().manual_seed(1)) % 3
    whole, left, right = (new_model(SCHEMA, training, 1) for _ in range(3))
    take_steps(whole, ModelOptimizer(whole, training, 40, SINGLE_PROCESS), ids)
    first = ModelOptimizer(left, training, 20, SINGLE_PROCESS)
    take_steps(left, first, ids[:20])
    state = TrainingState(left.state_dict(), first.moments(), 20)
    right.load_state_dict(state.weights)
    take_steps(right, ModelOptimizer(right, training, 20, SINGLE_PROCESS, state), ids[20:])
    for name, tensor in whole.state_dict().items():
        assert torch.allclose(right.state_dict()[name], tensor, atol=2e-5), name


def take_steps(model: Recommender, optimization: ModelOptimizer, batches: torch.Tensor) -> None:
    for ids in batches:
        inputs = Inputs.of_ids(ids)
        optimization.begin_step()
        scores = model.score(optimization.embed(inputs, inputs))[:, 0]
        functional.binary_cross_entropy_with_logits(scores, (ids[:, 0] > 0).float()).backward()
        optimization.step()
    optimization.flush()

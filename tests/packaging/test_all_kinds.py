"""From a sealed FeatureSet with every kind of field to scores of raw values, through the client."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from all_kinds import KEY, SCHEMA, USERS, sealed_features
from secateur.artifacts import Artifact, create
from secateur.contracts import record
from secateur.contracts.candidates import Recipe
from secateur.contracts.errors import CorruptArtifact, SecateurError, UsageError
from secateur.contracts.features import FeatureSchema
from secateur.judgement.scoring import client_scoring
from secateur.model.architectures.recommender import Recommender
from secateur.model.architectures.registry import ARCHITECTURES, new_model
from secateur.model.data.batches import load_split
from secateur.model.training.holdout import predict, predict_tasks
from secateur.packaging.assembly import write_package
from secateur.packaging.source import package_source
from secateur.scenario import Training
from secateur.serving.files import compression, golden, layout
from secateur.serving.files.golden import Golden
from secateur.serving.files.package import read_whole
from secateur.serving.scorer import Scorer, load

TRAINING = Training(embedding_dim=4, hidden=(12, 6))


@pytest.fixture(scope="module")
def features(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    return sealed_features(tmp_path_factory.mktemp("features"))


@pytest.fixture(scope="module")
def model() -> Recommender:
    return model_of("deepfm")


def model_of(architecture: str, schema: FeatureSchema = SCHEMA) -> Recommender:
    """Weights large enough that every input shows."""
    training = TRAINING.model_copy(update={"architecture": architecture})
    model = new_model(schema, training, seed=1).eval()
    generator = torch.Generator().manual_seed(2)
    for name, parameter in model.named_parameters():
        std = {"cross": 0.03, "layer_norms": 1.0}.get(name.split(".")[0], 0.3)
        torch.nn.init.normal_(parameter, std=std, generator=generator)
    return model


def packaged(
    model: Recommender,
    features: Artifact,
    folder: Path,
    bits: tuple[int, int],
    schema: FeatureSchema = SCHEMA,
) -> Scorer:
    recipe = Recipe("r", embedding_bits=bits[0], tower_bits=bits[1])  # type: ignore[arg-type]
    with create(folder.as_uri(), "Package") as draft:
        calibration = load_split(features, "train").inputs
        source = replace(package_source(features), schema=schema)
        write_package(draft, model, recipe, source, calibration, "A sample")
    return load(folder, id_key=KEY)


@pytest.mark.parametrize(("bits", "tolerance"), [((32, 32), 1e-5), ((8, 8), 0.02)])
def test_label_and_tasks_score_alike_in_torch_and_from_raw_values(
    features: Artifact, tmp_path: Path, bits: tuple[int, int], tolerance: float
) -> None:
    schema, split = replace(SCHEMA, tasks=("kept", "vector")), load_split(features, "confirm")
    model, folder = model_of("finalmlp", schema), tmp_path / "p"
    scorer = packaged(model, features, folder, bits, schema)
    found = scorer.score_tasks(raw_columns(features), hashed=True)
    assert [*found] == ["bought", "kept", "vector"]
    expected = torch.sigmoid(predict_tasks(model, split.inputs)).numpy()
    assert np.abs(np.stack([*found.values()], 1) - expected).max() < tolerance
    assert expected.std(axis=0).min() > 0.03
    label = scorer.score(raw_columns(features), hashed=True)
    assert np.array_equal(found["bought"], label)
    assert "`kept`, `vector`" in (folder / layout.CARD).read_text()


def raw_columns(features: Artifact) -> dict[str, list[object]]:
    table = pq.read_table(features.folder / "confirm")
    return {field.name: table[f"value_{field.name}"].to_pylist() for field in SCHEMA.inputs}


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize(
    ("bits", "tolerance"),
    [
        ((32, 32), 1e-5),
        pytest.param((8, 32), 0.01, marks=pytest.mark.proof),
        ((8, 8), 0.05),
    ],
)
def test_held_out_rows_score_alike_in_torch_and_from_raw_values(
    features: Artifact,
    tmp_path: Path,
    architecture: str,
    bits: tuple[int, int],
    tolerance: float,
) -> None:
    model, split = model_of(architecture), load_split(features, "confirm")
    expected = torch.sigmoid(predict(model, split.inputs)).numpy()
    scorer = packaged(model, features, tmp_path / "p", bits)
    found = scorer.score(raw_columns(features), hashed=True)
    assert np.abs(found - expected).max() < tolerance
    assert expected.std() > 0.05


@pytest.fixture(scope="module")
def folder(
    features: Artifact, model: Recommender, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder = tmp_path_factory.mktemp("package") / "p"
    packaged(model, features, folder, (8, 8))
    return folder


def test_judgement_scores_bulk_and_requests_like_single_rows(
    features: Artifact, folder: Path
) -> None:
    scorer, columns = load(folder), raw_columns(features)
    alone = [
        float(scorer.score({name: [c[i]] for name, c in columns.items()}, hashed=True)[0])
        for i in range(40)
    ]
    rows = client_scoring.read_rows(features.folder / "confirm", SCHEMA)
    assert client_scoring.score_all(scorer, rows)[:40] == pytest.approx(alone, abs=1e-6)
    shared = {field.name for field in SCHEMA.inputs if field.owner != "item"}
    repeated = {n: [c[3]] * 20 if n in shared else c[3:23] for n, c in columns.items()}
    expected = scorer.score(repeated, hashed=True)
    request = client_scoring.request(rows, start=3, batch=20)
    assert scorer.score(request, hashed=True) == pytest.approx(expected, abs=1e-6)
    assert expected.std() > 0.05


def test_the_vocabulary_holds_an_own_list_once_and_a_shared_one_never(folder: Path) -> None:
    header, _ = compression.unpack((folder / layout.VOCABULARY).read_bytes(), "v")
    assert set(header) == {"item", "tags", "seen_types"}


def test_golden_rows_hold_every_kind(folder: Path) -> None:
    columns = json.loads(read_whole(folder, layout.GOLDEN))["columns"]
    assert set(columns) == {field.name for field in SCHEMA.inputs}
    assert any(len(row) > 1 for row in columns["seen"] if row)
    assert any(len(row) == 4 for row in columns["title"] if row)


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("lists", {"name": "labels"}),
        ("lists", {"shares": "colour"}),
        ("lists", {"shares": "user_id"}),
        ("vectors", {"length": 5}),
        ("numbers", {"scale": "cubic"}),
    ],
)
def test_a_schema_that_the_files_do_not_fit_is_refused(
    folder: Path, tmp_path: Path, kind: str, change: dict[str, object]
) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    schema = json.loads(read_whole(copy, layout.SCHEMA))
    schema[kind][0] |= change
    (copy / layout.SCHEMA).write_bytes(compression.compress(json.dumps(schema).encode()))
    with pytest.raises(CorruptArtifact):
        load(copy)


def test_equal_work_gives_equal_bytes(
    features: Artifact, model: Recommender, folder: Path, tmp_path: Path
) -> None:
    packaged(model, features, tmp_path / "again", (8, 8))
    for path in folder.iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes(), path.name


REQUEST = {
    "user_id": USERS[3],
    "item": ["100", 101, "unseen"],
    "age": 30,
    "price": [1.5, "20", None],
    "temperature": 21.5,
    "rank": [1, 2, float("nan")],
    "tags": [["red", "007"], [], ["blue"]],
    "seen": ["104", 105, "x"],
    "seen_types": ["buy", "click", "click"],
    "alike": ["100 101", "", None],
    "title": [[1, 2, 3, 4], [0, 0, 0, 1], None],
    "place": [0.5, -1],
}


@pytest.mark.parametrize(
    "change",
    [
        {"tags": ["red|007", "", "blue"]},
        {"seen": [["104", "105", "x"]] * 3, "seen_types": [["buy", "click", "click"]]},
        {"alike": [[100, 101], [], []]},
        {"title": ["1;2;3;4", "0;0; 0;1.0", ""], "place": "0.5,-1"},
        {"place": np.array([[0.5, -1]] * 3)},
        {"price": ["1.50", 20.0, float("nan")], "temperature": [21.5] * 3},
    ],
)
def test_a_request_may_be_spelled_in_many_ways(folder: Path, change: dict[str, object]) -> None:
    scorer = load(folder)
    expected = scorer.score(REQUEST, hashed=True)
    assert expected.shape == (3,)
    assert np.array_equal(scorer.score(REQUEST | change, hashed=True), expected)


@pytest.mark.parametrize(
    ("name", "column"), [("title", [[1, 2], [3, 4], [5, 6]]), ("price", [[1], [2], [3]])]
)
def test_what_is_no_vector_and_no_number_is_missing_as_in_training(
    folder: Path, name: str, column: list[object]
) -> None:
    scorer = load(folder)
    found = scorer.score(REQUEST | {name: column}, hashed=True)
    assert np.array_equal(found, scorer.score(REQUEST | {name: [None] * 3}, hashed=True))
    assert not np.array_equal(found, scorer.score(REQUEST, hashed=True))


def test_only_the_most_recent_of_a_history_counts(folder: Path) -> None:
    def score(*seen: str) -> list[float]:
        return load(folder).score(REQUEST | {"seen": seen}, hashed=True).tolist()

    assert score("100", "101", "104", "105", "106") == score("119", "101", "104", "105", "106")
    assert score("101", "104", "105", "106") != score("119", "104", "105", "106")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tags": ["red", "blue"]}, "different lengths: .*'tags': 2"),
        ({"seen": [["104"], ["105"]]}, "different lengths: .*'seen': 2"),
        ({"seen": "104"}, "column seen: '104' is no row"),
        ({"tags": [[["red"]], [], []]}, "column tags holds no plain values"),
        ({"seen": [{"a": 1}, {"b": 2}, {}]}, "column seen"),
    ],
)
def test_shapes_that_do_not_fit_are_named(
    folder: Path, change: dict[str, object], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        load(folder).score(REQUEST | change, hashed=True)


def test_no_candidates_no_scores(folder: Path) -> None:
    many = {"item", "price", "rank", "tags", "alike", "title"}
    none = {name: [] if name in many else column for name, column in REQUEST.items()}
    assert load(folder).score(none, hashed=True).shape == (0,)


def test_a_score_does_not_depend_on_its_neighbours(features: Artifact, folder: Path) -> None:
    scorer, columns = load(folder), raw_columns(features)
    few = scorer.score({name: column[:5] for name, column in columns.items()}, hashed=True)
    assert np.array_equal(scorer.score(columns, hashed=True)[:5], few)


@pytest.mark.parametrize(
    "name", [layout.PACKED_MODEL, layout.SCHEMA, layout.VOCABULARY, layout.GOLDEN]
)
def test_a_flipped_bit_is_an_error_or_changes_no_golden_score(
    folder: Path, tmp_path: Path, name: str
) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    expected = record.from_json(Golden, read_whole(copy, layout.GOLDEN))
    whole, refused = (copy / name).read_bytes(), 0
    for position in np.linspace(0, len(whole) - 1, 40).astype(int):
        damaged = bytearray(whole)
        damaged[position] ^= 1 << position % 8
        (copy / name).write_bytes(damaged)
        try:
            scores = load(copy).score(expected.columns, hashed=True)
        except SecateurError:
            refused += 1
            continue
        assert np.allclose(scores, expected.scores, atol=2 * golden.TOLERANCE)
    assert refused > 35

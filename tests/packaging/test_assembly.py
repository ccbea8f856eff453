from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from secateur.artifacts import create
from secateur.contracts.candidates import Recipe, Step
from secateur.contracts.features import BucketField, CategoryField, FeatureSchema
from secateur.contracts.models import ModelSpec, PrivateSteps
from secateur.model.architectures.deepfm.network import DeepFM
from secateur.model.data.inputs import Inputs
from secateur.packaging.assembly import write_package
from secateur.packaging.source import HeldOut, Source, cut_schema
from secateur.serving.files import layout
from secateur.serving.scorer import load

SCHEMA = FeatureSchema(
    "sample",
    "liked",
    (CategoryField("user", "user", 5, 2, hashed=True), CategoryField("item", "item", 7, 2)),
    (BucketField("age", "user", (18.0, 40.0)),),
    "0123456789abcdef",
)
VOCABULARY = {"user": [f"{u:016x}" for u in range(4)], "item": list("abcdef")}
GOLDEN = {"user": VOCABULARY["user"], "item": list("abcz"), "age": [10.0, 20.0, None, 50.0]}
FACTS = {"days": {"train": ["2022-04-25", "2022-05-04"]}, "rows": {"train": 1234}}
GOLDEN_IDS = torch.tensor([[0, 0, 0], [1, 1, 1], [2, 2, 3], [3, 6, 2]], dtype=torch.int32)
SOURCE = Source(SCHEMA, VOCABULARY, HeldOut(GOLDEN, Inputs.of_ids(GOLDEN_IDS)), FACTS)
PRUNED = Recipe(
    "pruned",
    steps=(Step("embedding_row", "frequency", min_count=5),),
    embedding_bits=8,
    tower_bits=8,
)


def model_of(rows: tuple[int, ...]) -> DeepFM:
    torch.manual_seed(0)
    model = DeepFM(ModelSpec("deepfm", ("user", "item", "age"), rows, 3, (6, 4))).eval()
    torch.nn.init.normal_(model.embedding.weight)
    return model


def package(folder: Path, rows: tuple[int, ...], recipe: Recipe) -> Path:
    with create(folder.as_uri(), "Package") as draft:
        calibration = Inputs.of_ids(torch.zeros(4, 3, dtype=torch.int32))
        write_package(draft, model_of(rows), recipe, SOURCE, calibration, "A sample")
        (folder / ".unsealed").unlink()
    return folder


def test_a_package_holds_its_seven_files_and_nothing_else(tmp_path: Path) -> None:
    folder = package(tmp_path / "p", (5, 7, 4), Recipe("dense"))
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        [
            layout.MODEL,
            layout.TABLE,
            layout.VOCABULARY,
            layout.SCHEMA,
            layout.RECIPE,
            layout.GOLDEN,
            layout.CARD,
        ]
    )


def test_equal_work_gives_equal_bytes(tmp_path: Path) -> None:
    first, second = (package(tmp_path / name, (3, 4, 4), PRUNED) for name in "ab")
    for path in first.iterdir():
        assert path.read_bytes() == (second / path.name).read_bytes(), path.name


def test_a_value_whose_row_was_cut_is_not_stored_and_counts_as_unknown(tmp_path: Path) -> None:
    full, cut = (load(package(tmp_path / str(n), (5, n, 4), PRUNED)) for n in (7, 4))
    columns = {"user": VOCABULARY["user"][0], "age": 20.0, "item": [*"abcdef", "z"]}
    assert full.encode(columns, hashed=True)["ids"][:, 0].tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert cut.encode(columns, hashed=True)["ids"][:, 0].tolist() == [0, 1, 2, 3, 3, 3, 3]
    sizes = [(tmp_path / str(n) / layout.VOCABULARY).stat().st_size for n in (7, 4)]
    assert sizes[1] < sizes[0]


def test_a_dense_package_scores_raw_values_like_the_model(tmp_path: Path) -> None:
    scorer = load(package(tmp_path / "p", (5, 7, 4), Recipe("dense")))
    with torch.no_grad():
        expected = torch.sigmoid(model_of((5, 7, 4))(Inputs.of_ids(GOLDEN_IDS))).numpy()
    assert np.allclose(scorer.score(GOLDEN, hashed=True), expected, atol=1e-6)


def test_the_card_names_recipe_days_and_sizes(tmp_path: Path) -> None:
    folder = package(tmp_path / "p", (3, 4, 4), PRUNED)
    card = (folder / layout.CARD).read_text()
    size = (folder / layout.PACKED_MODEL).stat().st_size
    for fact in ("`pruned`", "2022-04-25 to 2022-05-04", "1,234", "`liked`", f"{size:,}", "6-4"):
        assert fact in card


def test_the_card_tells_the_epsilon_of_all_trainings_together(tmp_path: Path) -> None:
    runs = tuple(PrivateSteps(0.01, 1.0, 4.0, steps, 1e-5) for steps in (9_000, 1_000))
    source = replace(SOURCE, privacy=runs)
    with create((tmp_path / "p").as_uri(), "Package") as draft:
        calibration = Inputs.of_ids(torch.zeros(4, 3, dtype=torch.int32))
        model, recipe = model_of((5, 7, 4)), Recipe("dense")
        write_package(draft, model, recipe, source, calibration, "A sample")
        card = (draft.folder / layout.CARD).read_text()
        (draft.folder / ".unsealed").unlink()
    assert "epsilon 1.04 at delta 1e-05 for one event" in card
    assert "9,000 steps of noise 4, clip 1, each of a share of 0.01 of the rows" in card
    assert (
        "differential privacy"
        not in (package(tmp_path / "q", (5, 7, 4), recipe) / layout.CARD).read_text()
    )


def test_the_card_says_how_numbers_and_values_are_stored(tmp_path: Path) -> None:
    recipe = replace(PRUNED, embedding_bits=3, tower_bits=4, rounded_epochs=0.5)
    sorted_values = replace(recipe, vocabulary="ascending")
    card = (package(tmp_path / "p", (3, 4, 4), sorted_values) / layout.CARD).read_text()
    assert f"| stored as | {sorted_values.storage} |" in card
    assert "One unknown id in 10,000" in card
    assert "then up to 0.5 epochs of it with rows rounded as stored." in card
    plain = (package(tmp_path / "q", (3, 4, 4), recipe) / layout.CARD).read_text()
    assert "unknown id" not in plain


@pytest.mark.parametrize(
    ("recipe", "words"),
    [
        (Recipe("r"), "table of float32, tower of float32"),
        (PRUNED, "embeddings of 8 bits, first order of 8, tower of 8 bits"),
        (
            replace(PRUNED, rare_bits=2, rare_count=9, tower_bits=4, first_order_bits=6),
            "embeddings of 8 bits (2 of values seen less than 9 times), first order of 6, "
            "tower of 16 shared values a layer",
        ),
        (
            Recipe("r", embedding_bits=4, product_parts=2, vocabulary="ascending"),
            "2 codes of 4 bits an embedding, first order of 8, tower of float32, "
            "values sorted, as gaps",
        ),
        (
            Recipe("r", embedding_bits=2, rounded_epochs=1.0),
            "embeddings of 2 bits, first order of 8, tower of float32, "
            "learned while its rows were rounded",
        ),
    ],
)
def test_a_recipe_tells_its_storage(recipe: Recipe, words: str) -> None:
    assert recipe.storage == words


@pytest.mark.parametrize("rows", [(5, 7, 4), (2, 3, 4)])
def test_the_schema_is_cut_to_the_tables(rows: tuple[int, int, int]) -> None:
    schema = cut_schema(SCHEMA, ModelSpec("deepfm", ("user", "item", "age"), rows, 4, (4,)))
    assert tuple(field.size for field in schema.fields) == rows
    assert replace(schema, categories=SCHEMA.categories) == SCHEMA

"""Rows and values in an order of the package's own: nothing changes but bytes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from all_kinds import SCHEMA, sealed_features
from secateur.artifacts import Artifact, create
from secateur.contracts.candidates import Recipe
from secateur.model.architectures.recommender import Recommender
from secateur.model.architectures.registry import new_model
from secateur.model.data.batches import load_split
from secateur.model.training.holdout import predict
from secateur.packaging.arrangement import arrange
from secateur.packaging.assembly import write_package
from secateur.packaging.graph.take_apart import parts_of
from secateur.packaging.source import package_source
from secateur.scenario import Training
from secateur.serving.files import layout, package
from secateur.serving.scorer import Scorer, load

BY_FREQUENCY = Recipe("r", embedding_bits=8, tower_bits=8)
ASCENDING = replace(BY_FREQUENCY, vocabulary="ascending")
MIXED = replace(ASCENDING, rare_bits=2, rare_count=60)


@pytest.fixture(scope="module")
def features(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    return sealed_features(tmp_path_factory.mktemp("features"))


@pytest.fixture(scope="module")
def model() -> Recommender:
    model = new_model(SCHEMA, Training(embedding_dim=4, hidden=(12, 6)), seed=1).eval()
    generator = torch.Generator().manual_seed(2)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3, generator=generator)
    return model


def packaged(model: Recommender, features: Artifact, folder: Path, recipe: Recipe) -> Scorer:
    with create(folder.as_uri(), "Package") as draft:
        calibration = load_split(features, "train").inputs
        write_package(draft, model, recipe, package_source(features), calibration, "A sample")
    return load(folder)


def raw_columns(features: Artifact) -> dict[str, list[object]]:
    table = pq.read_table(features.folder / "confirm")
    return {field.name: table[f"value_{field.name}"].to_pylist() for field in SCHEMA.inputs}


def test_sorted_values_score_exactly_like_those_by_frequency(
    features: Artifact, model: Recommender, tmp_path: Path
) -> None:
    columns = raw_columns(features)
    first, second = (
        packaged(model, features, tmp_path / recipe.vocabulary, recipe).score(columns, hashed=True)
        for recipe in (BY_FREQUENCY, ASCENDING)
    )
    assert np.array_equal(first, second)
    sizes = [
        (tmp_path / name / layout.VOCABULARY).stat().st_size for name in ("frequency", "ascending")
    ]
    assert sizes[1] < sizes[0]


def test_rare_rows_alone_lose_precision(
    features: Artifact, model: Recommender, tmp_path: Path
) -> None:
    """Torch on the table of the package scores like the package, whatever the bits of its rows."""
    scorer = packaged(model, features, tmp_path / "p", replace(MIXED, tower_bits=32))
    source = package_source(features)
    arranged = arrange(SCHEMA, source.vocabulary, source.counts, MIXED).rows
    split = load_split(features, "confirm")
    parts = parts_of(model, MIXED, split.inputs, arranged)
    table = package.read_package(tmp_path / "p").table
    assert np.array_equal(table, parts.table.rows)
    values = (table.astype(np.float32) - 128) * np.repeat(
        parts.table.units, arranged.heights, axis=0
    )
    stored, exact = values[:, :-1], model.embedding.weight.detach().numpy()[arranged.order]
    rare = np.repeat([rare for _, rare in arranged.runs()], [rows for rows, _ in arranged.runs()])
    errors = np.abs(stored - exact).max(axis=1)
    assert errors[~rare].max() < 0.01 < np.median(errors[rare])
    assert 10 < rare.sum() < 40
    seen = new_model(SCHEMA, Training(embedding_dim=4, hidden=(12, 6)), seed=1).eval()
    seen.load_state_dict(model.state_dict())
    with torch.no_grad():
        seen.embedding.weight[arranged.order] = torch.from_numpy(stored)
        first = values[:, -1] + 0.5 * np.square(stored).sum(axis=1)
        seen.first_order.weight[arranged.order, 0] = torch.from_numpy(first)
    expected = torch.sigmoid(predict(seen, split.inputs)).numpy()
    found = scorer.score(raw_columns(features), hashed=True)
    assert np.abs(found - expected).max() < 1e-5
    assert expected.std() > 0.05


def test_the_counts_of_values_say_which_are_rare(features: Artifact) -> None:
    source = package_source(features)
    arranged = arrange(SCHEMA, source.vocabulary, source.counts, MIXED).rows
    blocks = (*SCHEMA.fields, *SCHEMA.own_lists)
    for block, rare in zip(blocks, arranged.rare, strict=True):
        counts = source.counts.get(block.name, [])
        assert rare == sum(count < 60 for count in counts)
    assert sorted(arranged.order) == list(range(sum(block.size for block in blocks)))

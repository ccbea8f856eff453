"""Packages that score otherwise than their models, by faults planted in what writes them."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from all_kinds import SCHEMA
from secateur.artifacts import Artifact, create
from secateur.contracts.candidates import Recipe
from secateur.contracts.errors import SkewRefused
from secateur.contracts.features import FeatureSchema
from secateur.model.architectures.recommender import Recommender
from secateur.model.architectures.registry import new_model
from secateur.onnx_graph import linear_layers
from secateur.packaging import arrangement, assembly
from secateur.packaging.arrangement import Arrangement
from secateur.packaging.assembly import write_package
from secateur.packaging.graph import take_apart
from secateur.packaging.quantization import table_quantization
from secateur.packaging.skew.stored_table import StoredTable
from secateur.packaging.source import package_source

from .conftest import EXTREME, FLOAT, INT8, WIDE, WORDS, Patch, Write


@pytest.mark.parametrize("recipe", [FLOAT, INT8, EXTREME, WORDS], ids=lambda recipe: recipe.name)
def test_a_package_that_scores_as_its_model_is_written(write: Write, recipe: Recipe) -> None:
    write(recipe)


def graph_of(change: Callable[[Any], Any]) -> Callable[[Patch], None]:
    """Plant a change of what the graph alone is made of."""
    return lambda patch: patch.setattr(
        assembly,
        "build_graph",
        lambda made, build_graph=assembly.build_graph: build_graph(change(made)),
    )


def quantizer(module: Any, name: str, change: Callable[[Any], Any]) -> Callable[[Patch], None]:
    """Plant a change in what a quantizer gives, which all that follows believes."""
    given = getattr(module, name)
    return lambda patch: patch.setattr(module, name, lambda *a, **k: change(given(*a, **k)))


def scaled(table: Any, factor: float) -> Any:
    return replace(table, steps=(table.steps * factor).astype(np.float32))


SCALES = {
    "rows in the graph": graph_of(lambda p: replace(p, table=scaled(p.table, 1.02))),
    "rows": quantizer(take_apart, "integer_table", lambda table: scaled(table, 1.1)),
    "rows of one block": quantizer(
        take_apart,
        "integer_table",
        lambda t: replace(t, multipliers=t.multipliers * np.array([1, 2, 1, 1, 1])[:, None]),
    ),
    "weights": quantizer(
        linear_layers, "quantize_linear", lambda layer: replace(layer, scale=layer.scale * 1.2)
    ),
    "activations in the graph": graph_of(
        lambda p: replace(p, steps=tuple(1.3 * step for step in p.steps))
    ),
    "narrow ranges": quantizer(take_apart, "_steps", lambda steps: tuple(s / 2 for s in steps)),
    "wide ranges": quantizer(take_apart, "_steps", lambda steps: tuple(s * 50 for s in steps)),
    "a bias": graph_of(
        lambda p: replace(p, output=replace(p.output, bias=p.output.bias + np.float32(1e-3)))
    ),
}


@pytest.mark.parametrize("recipe", [INT8, EXTREME, WORDS], ids=lambda recipe: recipe.name)
@pytest.mark.parametrize("plant", SCALES)
def test_a_wrong_scale_is_refused(
    write: Write, monkeypatch: Patch, plant: str, recipe: Recipe
) -> None:
    SCALES[plant](monkeypatch)
    with pytest.raises(SkewRefused, match="the package scores otherwise than its model"):
        write(recipe)


def field(kind: str, name: str, **changes: object) -> Callable[[FeatureSchema], FeatureSchema]:
    """A change of one field that the package's schema gets, but not its model."""

    def changed(schema: FeatureSchema) -> FeatureSchema:
        fields = getattr(schema, kind)
        new = tuple(replace(f, **changes) if f.name == name else f for f in fields)
        return replace(schema, **{kind: new})

    return changed


SCHEMAS = {
    "age": field("buckets", "age", boundaries=(18.0, 41.0)),
    "temperature": field("numbers", "temperature", mean=20.5),
    "rank": field("numbers", "rank", knots=(0.0, 1.0, 6.0, 20.0)),
    "price": field("numbers", "price", scale="standard_log", deviation=2.0),
    "tags": field("lists", "tags", separator=","),
    "seen_types": field("lists", "seen_types", length=3),
    "seen": field("lists", "seen", history=False),
    "title": field("vectors", "title", separator=","),
}


@pytest.mark.parametrize(
    "recipe",
    [FLOAT, pytest.param(EXTREME, marks=pytest.mark.proof)],
    ids=lambda recipe: recipe.name,
)
@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_that_encodes_otherwise_is_refused_by_the_field_s_name(
    write: Write, monkeypatch: Patch, name: str, recipe: Recipe
) -> None:
    cut = assembly.cut_schema
    monkeypatch.setattr(assembly, "cut_schema", lambda *given: SCHEMAS[name](cut(*given)))
    expected = rf"the client (encodes {name} otherwise in \d+ rows|does not read .*column {name}:)"
    with pytest.raises(SkewRefused, match=expected):
        write(recipe)


def shifted(values: list[str]) -> list[str]:
    return [*values[1:], values[0]]


@pytest.mark.parametrize("name", ["user_id", "item", "tags", "seen_types"])
def test_a_vocabulary_in_another_order_is_refused_by_the_field_s_name(
    write: Write, monkeypatch: Patch, name: str
) -> None:
    pack = arrangement.pack_vocabulary
    monkeypatch.setattr(
        arrangement,
        "pack_vocabulary",
        lambda schema, values: pack(schema, {**values, name: shifted(values[name])}),
    )
    with pytest.raises(SkewRefused, match=rf"the client encodes {name} otherwise in \d+ rows"):
        write(INT8)


def test_features_that_give_a_missing_number_another_value_are_refused(
    features: Artifact, model: Recommender, tmp_path: Path
) -> None:
    source = package_source(features)
    numbers = source.held_out.inputs.numbers.clone()
    missing = torch.tensor([value is None for value in source.held_out.columns["temperature"]])
    assert 5 < missing.sum() < 50
    numbers[missing, 1] = 1.0
    inputs = replace(source.held_out.inputs, numbers=numbers)
    source = replace(source, held_out=replace(source.held_out, inputs=inputs))
    told = rf"encodes temperature otherwise in {missing.sum()} rows, as in None"
    with (
        create((tmp_path / "p").as_uri(), "Package") as draft,
        pytest.raises(SkewRefused, match=told),
    ):
        write_package(draft, model, FLOAT, source, inputs, "A sample")


def test_tasks_that_change_places_are_refused(
    features: Artifact, tmp_path: Path, monkeypatch: Patch
) -> None:
    schema = replace(SCHEMA, tasks=("kept", "shared"))
    model = new_model(schema, WIDE, seed=1).eval()
    torch.manual_seed(0)
    torch.nn.init.normal_(model.tower.layers[-1].weight)
    source = replace(package_source(features), schema=schema)

    def swapped(made: Any) -> Any:
        output = made.output
        order = [0, 2, 1]
        return replace(
            made, output=replace(output, weight=output.weight[:, order], bias=output.bias[order])
        )

    graph_of(swapped)(monkeypatch)
    with (
        create((tmp_path / "p").as_uri(), "Package") as draft,
        pytest.raises(SkewRefused, match="held-out rows differ"),
    ):
        write_package(draft, model, INT8, source, source.held_out.inputs, "A sample")


def test_numbers_that_nearly_cancel_are_no_fault() -> None:
    """First orders that make up for the norms of large embeddings leave few of float32's digits."""
    random = np.random.default_rng(0)
    whole = random.integers(-127, 128, (500, 4))
    whole[0] = 127
    embedding = np.float32(0.37) * whole.astype(np.float32)
    norms = np.square(embedding, dtype=np.float64).sum(axis=1)
    first_order = (0.5 * norms + 0.01 * random.normal(size=500)).astype(np.float32)
    rows = Arrangement.as_is((500,))
    recipe = Recipe("r", embedding_bits=8)
    table = table_quantization.integer_table(embedding, first_order, rows, recipe)
    assert StoredTable(table, rows).wrong_numbers(embedding, first_order, folded=True) == 0
    other = replace(table, steps=table.steps * np.float32(1.01))
    assert StoredTable(other, rows).wrong_numbers(embedding, first_order, folded=True) > 500

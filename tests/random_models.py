"""Models of random shapes, and rows for them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal, get_args, get_origin

import annotated_types
import numpy as np
import torch
from hypothesis import assume
from hypothesis import strategies as st
from pydantic.fields import FieldInfo
from torch import nn

from secateur.contracts.models import ListInput, ModelSpec, VectorInput
from secateur.model.architectures.network_settings import SHAPES, NetworkSettings, SharedSettings
from secateur.model.architectures.recommender import Recommender
from secateur.model.architectures.registry import build as build_model
from secateur.model.data.inputs import Inputs, Ragged

# The settings that only some architectures read.
OWN = {
    n: k for n, k in NetworkSettings.model_fields.items() if n not in SharedSettings.model_fields
}
WIDTHS = st.lists(st.integers(1, 9), min_size=1, max_size=3).map(tuple)


def values_of(key: FieldInfo) -> st.SearchStrategy[Any]:
    """Small values of a setting, whatever its architecture."""
    kind: Any = key.annotation
    if get_origin(kind) is Literal:
        return st.sampled_from(get_args(kind))
    if kind is int:
        return st.integers(1, 4)
    if kind is float:
        return st.floats(0.5, 2.0)
    assert get_origin(kind) is tuple, f"say here how a {kind} is drawn"
    least = max((one.min_length for one in key.metadata if is_least(one)), default=0)
    return st.lists(st.integers(1, 5), min_size=least, max_size=2).map(tuple)


def is_least(bound: object) -> bool:
    return isinstance(bound, annotated_types.MinLen)


@st.composite
def specs(
    draw: st.DrawFn, architectures: Sequence[str] = tuple(SHAPES), least: int = 1
) -> ModelSpec:
    """Any architecture and number of fields; perhaps lists, some shared, numbers, vectors."""
    fields = draw(st.lists(st.integers(1, 12), min_size=least, max_size=6))
    own = draw(st.lists(st.integers(1, 12), max_size=2))
    shared = draw(st.lists(st.integers(0, len(fields) - 1), max_size=2))
    blocks = [*shared, *range(len(fields), len(fields) + len(own))]
    lengths = draw(st.lists(st.integers(1, 4), max_size=2))
    architecture = draw(st.sampled_from(architectures))
    shapes = SHAPES[architecture]
    hidden = draw(WIDTHS) if shapes.has_tower else ()
    spec = ModelSpec(
        architecture,
        tuple(f"f{i}" for i in range(len(fields))),
        (*fields, *own),
        draw(st.integers(1, 6)) if shapes.has_embeddings else 0,
        hidden,
        numbers=tuple(f"n{i}" for i in range(draw(st.integers(0, 3)))),
        lists=tuple(ListInput(f"l{i}", block) for i, block in enumerate(blocks)),
        vectors=tuple(VectorInput(f"v{i}", length) for i, length in enumerate(lengths)),
        tasks=("b", "a")[: draw(st.integers(0, 2))] if hidden else (),
    )
    settings = draw(st.fixed_dictionaries({name: values_of(key) for name, key in OWN.items()}))
    spec = shapes.complete(spec, NetworkSettings.model_validate(settings))
    if spec.second:
        spec = replace(spec, second=draw(WIDTHS))
    assume(has_inputs(spec))
    return spec


def plain_spec(architecture: str) -> ModelSpec:
    """Two fields, one hidden layer, and what the scenario's defaults give the architecture."""
    shapes = SHAPES[architecture]
    hidden = (4,) if shapes.has_tower else ()
    spec = ModelSpec(architecture, ("a", "b"), (3, 3), 2 if shapes.has_embeddings else 0, hidden)
    return shapes.complete(spec, NetworkSettings())


def has_inputs(spec: ModelSpec) -> bool:
    """Whether the tower, if there is one, reads anything: not so the pairs of one input."""
    return not spec.hidden or SHAPES[spec.architecture].tower_inputs(spec) > 0


def random_model(spec: ModelSpec, seed: int = 0) -> Recommender:
    torch.manual_seed(seed)
    model = build_model(spec).eval()
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.4)
    width = spec.flat_inputs
    for layer in model.modules():
        # One after another these would multiply the inputs by themselves: keep scores off 0 and 1.
        if isinstance(layer, nn.Linear) and layer.in_features == layer.out_features == width:
            nn.init.normal_(layer.weight, std=0.3 / width**0.5)
    return model


def random_inputs(spec: ModelSpec, rows: int = 64) -> Inputs:
    """Ids of a schema taller than the tables: those at and above a table's height are OOV."""
    dice = np.random.default_rng(0)
    heights = np.array(spec.rows[: len(spec.fields)])
    ids = dice.integers(0, heights + 2, (rows, len(heights)), np.int32)
    lists = []
    for one in spec.lists:
        offsets = np.cumsum([0, *dice.integers(0, 5, rows)])
        values = dice.integers(0, spec.rows[one.block] + 2, offsets[-1], np.int32)
        lists.append(Ragged(torch.from_numpy(values), torch.from_numpy(offsets)))
    numbers = dice.normal(size=(rows, len(spec.numbers))).astype(np.float32)
    vectors = dice.normal(size=(rows, spec.dense - len(spec.numbers))).astype(np.float32)
    return Inputs(
        torch.from_numpy(ids), torch.from_numpy(numbers), torch.from_numpy(vectors), tuple(lists)
    )

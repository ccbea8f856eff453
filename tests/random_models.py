"""Models of random shapes, and rows for them."""

from collections.abc import Sequence
from typing import get_args

import numpy as np
import torch
from hypothesis import assume
from hypothesis import strategies as st

from secateur.contracts.models import Architecture, ListInput, ModelSpec, VectorInput
from secateur.model.architectures.dcnv2.network import DCNv2
from secateur.model.architectures.recommender import Recommender
from secateur.model.architectures.registry import build as build_model
from secateur.model.data.inputs import Inputs, Ragged


@st.composite
def specs(
    draw: st.DrawFn, architectures: Sequence[str] = get_args(Architecture), least: int = 1
) -> ModelSpec:
    """Any architecture and number of fields; perhaps lists, some shared, numbers, vectors."""
    fields = draw(st.lists(st.integers(1, 9), min_size=least, max_size=6))
    own = draw(st.lists(st.integers(1, 9), max_size=2))
    shared = draw(st.lists(st.integers(0, len(fields) - 1), max_size=2))
    blocks = [*shared, *range(len(fields), len(fields) + len(own))]
    lengths = draw(st.lists(st.integers(1, 4), max_size=2))
    architecture = draw(st.sampled_from(architectures))
    widths = st.lists(st.integers(1, 9), min_size=1, max_size=3).map(tuple)
    hidden = draw(widths)
    numbers = draw(st.integers(0, 3))
    dlrm = architecture == "dlrm"
    assume(not dlrm or len(fields) + len(blocks) + len(lengths) + bool(numbers) > 1)
    return ModelSpec(
        architecture,
        tuple(f"f{i}" for i in range(len(fields))),
        (*fields, *own),
        0 if architecture == "lr" else draw(st.integers(1, 6)),
        () if architecture in ("lr", "fm") else hidden,
        numbers=tuple(f"n{i}" for i in range(numbers)),
        lists=tuple(ListInput(f"l{i}", block) for i, block in enumerate(blocks)),
        vectors=tuple(VectorInput(f"v{i}", length) for i, length in enumerate(lengths)),
        cross_layers=draw(st.integers(1, 3)) if architecture in ("dcnv2", "gdcn") else 0,
        bottom=tuple(draw(st.lists(st.integers(1, 5), max_size=2))) if dlrm and numbers else (),
        interaction=draw(st.sampled_from(["dot", "cat"])) if dlrm else "dot",
        second=draw(widths) if architecture in ("finalmlp", "masknet") else (),
        attention=draw(widths) if architecture == "din" else (),
        block_width=draw(st.integers(1, 6)) if architecture == "masknet" else 0,
        tasks=() if architecture in ("lr", "fm") else ("b", "a")[: draw(st.integers(0, 2))],
    )


def random_model(spec: ModelSpec, seed: int = 0) -> Recommender:
    torch.manual_seed(seed)
    model = build_model(spec).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.4)
    if isinstance(model, DCNv2):  # every layer multiplies: keep the scores off 0 and 1
        for layer in model.cross:
            torch.nn.init.normal_(layer.weight, std=0.3 / spec.flat_inputs**0.5)
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

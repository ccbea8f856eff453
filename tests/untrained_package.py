"""The client of a package with random weights, whatever its schema."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from secateur.artifacts import create
from secateur.contracts.candidates import Recipe
from secateur.contracts.features import FeatureSchema
from secateur.model.architectures.registry import new_model
from secateur.model.data.inputs import Inputs, Ragged
from secateur.packaging.assembly import write_package
from secateur.packaging.source import HeldOut, Source
from secateur.scenario import Training
from secateur.serving.scorer import Scorer, load

ROWS = 2
EMBEDDING_DIM = 4


def untrained_scorer(
    schema: FeatureSchema,
    words: Mapping[str, Sequence[str]],
    folder: Path,
    facts: Mapping[str, Any],
    training: Training | None = None,
    id_key: bytes | None = None,
) -> Scorer:
    """The client of such a package; `words` are the values of each vocabulary by id."""
    small = (training or Training()).model_copy(
        update={"embedding_dim": EMBEDDING_DIM, "hidden": (8,)}
    )
    model = new_model(schema, small, seed=1).eval()
    missing = {field.name: [None] * ROWS for field in schema.inputs}
    ids = torch.tensor([[field.oov for field in schema.fields]] * ROWS, dtype=torch.int32)
    nothing = Ragged(torch.zeros(0, dtype=torch.int32), torch.zeros(ROWS + 1, dtype=torch.int64))
    inputs = Inputs(
        ids,
        torch.zeros(ROWS, len(schema.numbers)),
        torch.zeros(ROWS, sum(vector.length for vector in schema.vectors)),
        (nothing,) * len(schema.lists),
    )
    vocabulary = {name: list(values) for name, values in words.items()}
    source = Source(schema, vocabulary, HeldOut(missing, inputs), dict(facts))
    with create(folder.as_uri(), "Package") as draft:
        write_package(draft, model, Recipe("sample"), source, inputs, "A sample")
    return load(folder, id_key=id_key)

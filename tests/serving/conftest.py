"""A small package with every kind of field, its weights random, made by the packaging room."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from secateur.artifacts import create
from secateur.contracts.candidates import Recipe
from secateur.contracts.features import BucketField, CategoryField, FeatureSchema
from secateur.contracts.models import ModelSpec
from secateur.identity import fingerprint, hash_id
from secateur.model.architectures.deepfm.network import DeepFM
from secateur.model.data.inputs import Inputs
from secateur.packaging.assembly import write_package
from secateur.packaging.source import HeldOut, Source

KEY = b"sixteen bytes or more"
USERS = [hash_id(KEY, str(user)) for user in range(40)]
VOCABULARY = {
    "user": USERS,
    "item": [str(item) for item in range(100, 130)],
    "tag": ["NORMAL", "a b", "3.5", "007", "-4", "é,\n\"'"],
}
SCHEMA = FeatureSchema(
    scenario="sample",
    label="liked",
    categories=(
        CategoryField("user", "user", 41, 2, hashed=True),
        CategoryField("item", "item", 31, 2),
        CategoryField("tag", "item", 7, 1),
    ),
    buckets=(BucketField("length", "item", (1.0, 2.5, 10.0)),),
    id_key=fingerprint(KEY),
    tasks=("saved", "shared"),
)
COLUMNS = {
    "user": [*USERS[:30], None, "00000000000000ff"],
    "item": [str(item) for item in range(99, 131)],
    "tag": [*VOCABULARY["tag"], None, "unseen"] * 4,
    "length": [0.5, 1.0, 2.0, 2.5, 9.9, 10.0, 1e9, None] * 4,
}


def encoded() -> torch.Tensor:
    """The ids of `COLUMNS` int32 [32, 4], made value by value by the contract's words."""
    known = [{value: i for i, value in enumerate(VOCABULARY[f.name])} for f in SCHEMA.categories]
    return torch.tensor(
        [
            [
                *(ids.get(value, len(ids)) for ids, value in zip(known, row, strict=False)),
                4 if length is None else sum(b <= length for b in (1.0, 2.5, 10.0)),
            ]
            for *row, length in zip(*COLUMNS.values(), strict=True)
        ],
        dtype=torch.int32,
    )


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int, int], Path]:
    """Give the folder of a package with so many embedding bits and tower bits."""
    torch.manual_seed(0)
    fields = tuple(field.name for field in SCHEMA.fields)
    rows = tuple(field.size for field in SCHEMA.fields)
    model = DeepFM(ModelSpec("deepfm", fields, rows, 4, (16, 8), tasks=SCHEMA.tasks)).eval()
    torch.nn.init.normal_(model.embedding.weight, std=0.5)
    torch.nn.init.normal_(model.first_order.weight, std=0.5)
    facts = {"days": {"train": ["2022-04-25"]}, "rows": {"train": 1000}}
    source = Source(SCHEMA, VOCABULARY, HeldOut(COLUMNS, Inputs.of_ids(encoded())), facts)
    ids = np.random.default_rng(0).integers(0, rows, (200, 4)).astype(np.int32)
    calibration = Inputs.of_ids(torch.from_numpy(ids))

    def made(embedding_bits: int, tower_bits: int) -> Path:
        folder = tmp_path_factory.mktemp(f"package_{embedding_bits}_{tower_bits}_")
        recipe = Recipe("sample", embedding_bits=embedding_bits, tower_bits=tower_bits)  # type: ignore[arg-type]
        with create(folder.as_uri(), "Package") as draft:
            write_package(draft, model, recipe, source, calibration, "A sample")
        return folder

    return made


@pytest.fixture(scope="session")
def folder(package: Callable[[int, int], Path]) -> Path:
    """A package with 8-bit rows and an 8-bit tower."""
    return package(8, 8)

"""Features of every kind of field, and a small package of them in several recipes."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from all_kinds import SCHEMA, sealed_features
from secateur.artifacts import Artifact, create
from secateur.contracts.candidates import Recipe
from secateur.model.architectures.recommender import Recommender
from secateur.model.architectures.registry import new_model
from secateur.model.data.batches import load_split
from secateur.packaging.assembly import write_package
from secateur.packaging.source import package_source
from secateur.scenario import Training

Write = Callable[[Recipe], None]
Patch = pytest.MonkeyPatch

WIDE = Training(embedding_dim=4, hidden=(96, 72))  # wide enough for integer products
INT8 = Recipe("int8", embedding_bits=8, tower_bits=8)
FLOAT = Recipe("float")
EXTREME = Recipe(
    "extreme",
    embedding_bits=3,
    tower_bits=4,
    rare_bits=2,
    rare_count=60,
    first_order_bits=5,
    vocabulary="ascending",
)
WORDS = Recipe("words", embedding_bits=4, tower_bits=8, product_parts=2)


@pytest.fixture(scope="session")
def features(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    return sealed_features(tmp_path_factory.mktemp("features"))


@pytest.fixture(scope="module")
def model() -> Recommender:
    model = new_model(SCHEMA, WIDE, seed=1).eval()
    generator = torch.Generator().manual_seed(2)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.2, generator=generator)
    return model


@pytest.fixture
def write(features: Artifact, model: Recommender, tmp_path: Path) -> Callable[[Recipe], None]:
    def written(recipe: Recipe) -> None:
        with create((tmp_path / "p").as_uri(), "Package") as draft:
            calibration = load_split(features, "train").inputs
            write_package(draft, model, recipe, package_source(features), calibration, "A sample")

    return written

"""Make the stored packages of today's forms, with made-up values and random weights.

    PYTHONPATH=jobs:tests python tests/packages/make_packages.py

Those of earlier forms are never made again: README.md says with which commit each was.
"""

import json
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import torch

from all_kinds import KEY, SCHEMA, sealed_features
from secateur.artifacts import Artifact, create
from secateur.contracts.candidates import Recipe
from secateur.contracts.features import CounterMeaning, NumberField
from secateur.identity import hash_id
from secateur.model.architectures.network_settings import Architecture
from secateur.model.architectures.registry import new_model
from secateur.packaging.assembly import write_package
from secateur.packaging.source import Source, package_source
from secateur.scenario import Training
from secateur.serving.scorer import load

FOLDER = Path(__file__).parent
ROWS = 12
PRICE = NumberField("price", "item", "standard_log", mean=3.0, deviation=2.0)
TODAY = replace(
    SCHEMA,
    numbers=(PRICE, *SCHEMA.numbers[1:]),
    lists=(replace(SCHEMA.lists[0], min_count=2), *SCHEMA.lists[1:]),
    slices=("new_user",),
    tasks=("kept", "shared"),
    unread=("colour",),
    missing={"age": ("-1",), "rank": ("0",), "tags": ("none",)},
    counters=(
        CounterMeaning(("item",), {"rate": "price"}, "event", 10, 0.3, window_days=7, last=3),
        CounterMeaning(("item",), {"gap": "rank"}, "day", 10, 0.3, window_hours=2, of="stay"),
        CounterMeaning(
            ("user_id",),
            {"age": "age"},
            "event",
            10,
            0.3,
            within="session",
            session_gap_minutes=30,
            session_column="visit",
            of="stay",
            at_least=2.5,
        ),
    ),
    times={"temperature": "hour_of_day", "age": "day_of_week"},
    timezone="Asia/Shanghai",
    drawn_rate=0.25,
)
MADE: tuple[tuple[Architecture, Recipe], ...] = (("deepfm", Recipe("9-drawn", embedding_bits=8)),)


def main() -> None:
    """Write every package of today's forms that is not there."""
    with tempfile.TemporaryDirectory() as temporary:
        features = sealed_features(Path(temporary) / "features")
        for architecture, recipe in MADE:
            if not (FOLDER / recipe.name).exists():
                make(features, architecture, recipe)


def make(features: Artifact, architecture: Architecture, recipe: Recipe) -> None:
    """One package, and beside it raw values with the scores that today's client gives them."""
    folder, source = FOLDER / recipe.name, source_of(features)
    hidden = (12, 6) if recipe.tower_bits == 32 else (72, 64)  # narrow ones are not of integers
    training = Training(
        architecture=architecture,
        embedding_dim=4,
        hidden=hidden,
        mask_blocks=2,
        mask_block_width=16,
        mask_ratio=0.5,
    )
    model = new_model(TODAY, training, seed=1).eval()
    generator = torch.Generator().manual_seed(2)
    for name, parameter in model.named_parameters():
        std = 0.03 if name.startswith("cross.") else 0.3  # every such layer multiplies
        torch.nn.init.normal_(parameter, std=std, generator=generator)
    with create(folder.as_uri(), "Package") as draft:
        write_package(draft, model, recipe, source, source.held_out.inputs, "A sample")
    (folder / ".unsealed").unlink()
    columns = raw_columns(features)
    scores = load(folder, id_key=KEY).score_tasks(columns)
    spelled = {name: [float(str(score)) for score in one] for name, one in scores.items()}
    held = {"id_key": KEY.decode(), "columns": columns, "scores": spelled}
    (folder / "expected.json").write_text(json.dumps(held, separators=(",", ":")) + "\n")


def source_of(features: Artifact) -> Source:
    """A few held-out rows, whose prices are scaled as `TODAY` says."""
    source = package_source(features)
    source = replace(source, held_out=source.held_out.take(np.arange(ROWS)))
    numbers = source.held_out.inputs.numbers.clone()
    known = torch.tensor([price is not None for price in source.held_out.columns["price"]])
    numbers[known, 0] = (numbers[known, 0] - PRICE.mean) / PRICE.deviation
    inputs = replace(source.held_out.inputs, numbers=numbers)
    return replace(source, schema=TODAY, held_out=replace(source.held_out, inputs=inputs))


def raw_columns(features: Artifact) -> dict[str, list[object]]:
    """The first confirm rows as a service has them, their users as they were before hashing."""
    table = pq.read_table(features.folder / "confirm").slice(0, ROWS)
    columns = {one.name: table[f"value_{one.name}"].to_pylist() for one in SCHEMA.inputs}
    users = {hash_id(KEY, str(user)): str(user) for user in range(12)}
    columns["user_id"] = [user and users.get(user, "stranger") for user in columns["user_id"]]
    columns |= {"age": [-1, "-1.0", *columns["age"][2:]], "rank": [0.0, *columns["rank"][1:]]}
    return columns | {"tags": ["none", *columns["tags"][1:]], "colour": ["red"] * ROWS}


if __name__ == "__main__":
    main()

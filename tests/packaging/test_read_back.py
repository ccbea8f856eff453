"""What a package holds is what was packed: every row, every value, the schema, golden rows."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from all_kinds import SCHEMA, USERS
from secateur.artifacts import Artifact, create
from secateur.contracts import record
from secateur.contracts.candidates import Recipe
from secateur.contracts.errors import SkewRefused
from secateur.contracts.features import FeatureSchema
from secateur.model.architectures.recommender import Recommender
from secateur.model.data.batches import load_split
from secateur.model.training.holdout import predict
from secateur.packaging import arrangement, assembly
from secateur.packaging.assembly import write_package
from secateur.packaging.source import HeldOut, Source, package_source
from secateur.serving.files import golden, layout
from secateur.serving.files.package import read_whole
from secateur.serving.scorer import load

from .conftest import EXTREME, FLOAT, INT8, WORDS, Patch, Write


@pytest.mark.parametrize("recipe", [FLOAT, INT8, EXTREME, WORDS], ids=lambda recipe: recipe.name)
def test_a_row_that_is_stored_otherwise_is_refused_though_no_held_out_row_reads_it(
    features: Artifact, model: Recommender, tmp_path: Path, monkeypatch: Patch, recipe: Recipe
) -> None:
    source = package_source(features)
    held_out = source.held_out.take(np.arange(1))
    pack = assembly.pack_table

    def swapped(rows: Any) -> Any:
        return rows if rows is None else rows[[1, 0, *range(2, len(rows))]]

    monkeypatch.setattr(
        assembly,
        "pack_table",
        lambda table, segments, words, books: pack(swapped(table), segments, swapped(words), books),
    )
    monkeypatch.setattr(assembly, "demand_no_skew", lambda *_: None)  # as if none were read
    with (
        create((tmp_path / "p").as_uri(), "Package") as draft,
        pytest.raises(SkewRefused, match=r"the files do not hold what was packed: 2 rows"),
    ):
        inputs = source.held_out.inputs
        write_package(draft, model, recipe, replace(source, held_out=held_out), inputs, "A sample")


@pytest.mark.parametrize("name", ["user_id", "item"])
@pytest.mark.parametrize(
    ("recipe", "pack"), [(INT8, "pack_vocabulary"), (EXTREME, "pack_ascending")]
)
def test_a_value_that_is_stored_otherwise_is_refused_though_no_held_out_row_holds_it(
    write: Write, monkeypatch: Patch, name: str, recipe: Recipe, pack: str
) -> None:
    right = getattr(arrangement, pack)
    last = "f" * 16 if name == "user_id" else "zz"
    monkeypatch.setattr(
        arrangement,
        pack,
        lambda schema, values, *rest: right(
            schema, {**values, name: [*values[name][:-1], last]}, *rest
        ),
    )
    monkeypatch.setattr(assembly, "demand_no_skew", lambda *_: None)  # as if none were read
    with pytest.raises(
        SkewRefused, match=f"the files do not hold what was packed: 1 values of {name}"
    ):
        write(recipe)


def with_strangers(source: Source, strangers: int) -> Source:
    """The first rows are of unknown users, whose hashes begin in 48 bits like a known one's."""
    users = [f"{USERS[0][:12]}{n:04x}" for n in range(strangers)]
    assert not set(users) & set(USERS)
    columns = dict(source.held_out.columns)
    columns["user_id"] = [*users, *columns["user_id"][strangers:]]
    ids = source.held_out.inputs.ids.clone()
    ids[:strangers, 0] = len(USERS)
    inputs = replace(source.held_out.inputs, ids=ids)
    return replace(source, held_out=HeldOut(columns, inputs))


def test_a_few_unknown_users_may_be_taken_for_known_ones_where_bits_are_left_out(
    features: Artifact, model: Recommender, tmp_path: Path
) -> None:
    def write(strangers: int) -> None:
        source = with_strangers(package_source(features), strangers)
        inputs = source.held_out.inputs
        with create((tmp_path / "p").as_uri(), "Package") as draft:
            write_package(draft, model, EXTREME, source, inputs, "A sample")

    write(4)
    scorer = load(tmp_path / "p")
    columns = dict(with_strangers(package_source(features), 4).held_out.columns)
    assert scorer.ids_of(columns)[0, 0] < 12
    assert f"{USERS[0][:12]}0000" not in read_whole(tmp_path / "p", layout.GOLDEN).decode()
    with pytest.raises(SkewRefused, match="encodes user_id otherwise in 5 rows"):
        write(5)


@pytest.mark.parametrize("recipe", [FLOAT, INT8, EXTREME, WORDS], ids=lambda recipe: recipe.name)
def test_golden_rows_are_held_out_rows_with_the_model_s_scores(
    features: Artifact, model: Recommender, write: Write, tmp_path: Path, recipe: Recipe
) -> None:
    write(recipe)
    held = record.from_json(golden.Golden, read_whole(tmp_path / "p", layout.GOLDEN))
    table = pq.read_table(features.folder / "tune")
    split = load_split(features, "tune").inputs
    names = [one.name for one in SCHEMA.inputs]
    rows = {
        json.dumps([row[f"value_{name}"] for name in names]): place
        for place, row in enumerate(table.to_pylist())
    }
    found = [
        rows[json.dumps(list(one))] for one in zip(*(held.columns[n] for n in names), strict=True)
    ]
    assert len(found) == 64 and found == sorted(set(found))
    exact = torch.sigmoid(predict(model, split)).numpy()[found]
    apart = np.abs(np.array(held.scores) - exact).max()
    assert apart < 1e-6 if recipe == FLOAT else 1e-4 < apart < 0.5
    scored = load(tmp_path / "p").score(held.columns, hashed=True)
    assert np.abs(scored - np.array(held.scores)).max() < 1e-5


LIES: dict[str, tuple[Callable[[FeatureSchema], FeatureSchema], str]] = {
    "label": (lambda s: replace(s, label="skipped"), "label is 'skipped' instead of 'bought'"),
    "key": (lambda s: replace(s, id_key="0" * 16), "id_key is '0000000000000000' instead of"),
    "tasks": (lambda s: replace(s, tasks=("kept",)), r"tasks is \('kept',\) instead of \(\)"),
    "missing": (lambda s: replace(s, missing={"age": ("0",)}), "missing is {'age': "),
    "hashed": (
        lambda s: replace(s, categories=tuple(replace(f, hashed=True) for f in s.categories)),
        "hashed of item is True instead of False; item is hashed, but 20 of its values are no",
    ),
    "not hashed": (
        lambda s: replace(s, categories=tuple(replace(f, hashed=False) for f in s.categories)),
        "hashed of user_id is False instead of True",
    ),
    "owner": (
        lambda s: replace(s, numbers=tuple(replace(f, owner="user") for f in s.numbers)),
        "owner of price is 'user' instead of 'item'",
    ),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_schema_that_is_not_the_features_is_refused_though_it_encodes_alike(
    write: Write, monkeypatch: Patch, lie: str
) -> None:
    change, told = LIES[lie]
    cut = assembly.cut_schema
    monkeypatch.setattr(assembly, "cut_schema", lambda *given: change(cut(*given)))
    with pytest.raises(SkewRefused, match=f"the package's schema is not the features': .*{told}"):
        write(FLOAT)


def test_features_that_take_words_for_hashes_are_refused(
    features: Artifact, model: Recommender, tmp_path: Path
) -> None:
    source = package_source(features)
    hashed = tuple(replace(field, hashed=True) for field in source.schema.categories)
    source = replace(source, schema=replace(source.schema, categories=hashed))
    with (
        create((tmp_path / "p").as_uri(), "Package") as draft,
        pytest.raises(
            SkewRefused, match="item is hashed, but 20 of its values are no keyed hashes"
        ),
    ):
        write_package(draft, model, FLOAT, source, source.held_out.inputs, "A sample")


def test_a_schema_that_is_written_otherwise_is_refused(write: Write, monkeypatch: Patch) -> None:
    def changed(schema: Any) -> bytes:
        is_schema = isinstance(schema, FeatureSchema)
        return record.canonical_json(replace(schema, label="other") if is_schema else schema)

    monkeypatch.setattr(assembly, "record", SimpleNamespace(canonical_json=changed))
    with pytest.raises(SkewRefused, match="the files do not hold what was packed: the schema"):
        write(FLOAT)

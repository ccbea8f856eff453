"""Packages of every form that there ever was, read and scored by today's client."""

import json
import re
from collections.abc import Iterator
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import onnx
import pytest

from secateur.contracts import record
from secateur.contracts.candidates import Recipe
from secateur.contracts.features import (
    BucketField,
    CategoryField,
    FeatureSchema,
    ListField,
    NumberField,
    VectorField,
)
from secateur.serving.files import compression, layout, tables
from secateur.serving.files.golden import Golden
from secateur.serving.files.package import read_whole
from secateur.serving.files.row_codes import Header
from secateur.serving.files.vocabulary import Run
from secateur.serving.scorer import load

HERE = Path(__file__).parent
STORED = sorted(path for path in HERE.iterdir() if (path / layout.TABLE).exists())
NOUNS = (
    FeatureSchema,
    CategoryField,
    BucketField,
    NumberField,
    ListField,
    VectorField,
    Golden,
    Header,
    Run,
)
GRAPH = {layout.IDS, layout.REQUEST_IDS, layout.NUMBERS, layout.VECTORS, layout.PROBABILITY}


@pytest.mark.parametrize("folder", STORED, ids=lambda folder: folder.name)
def test_a_stored_package_scores_as_it_did(folder: Path) -> None:
    held = json.loads((folder / "expected.json").read_text())
    scorer = load(folder, id_key=held["id_key"].encode())
    found = scorer.score_tasks(held["columns"])
    assert [*found] == [*held["scores"]]
    for name, scores in held["scores"].items():
        assert found[name] == pytest.approx(scores, abs=1e-5), name
        assert found[name].std() > 0.005
    assert scorer.score(held["columns"]) == pytest.approx(held["scores"][scorer.schema.label])
    record.from_json(Recipe, (folder / layout.RECIPE).read_bytes())


def test_the_page_names_every_package() -> None:
    named = re.findall(r"^\| `([\w-]+)` \|", (HERE / "README.md").read_text(), re.MULTILINE)
    assert sorted(named) == [folder.name for folder in STORED]
    assert all(sum(p.stat().st_size for p in folder.iterdir()) < 50_000 for folder in STORED)


def test_every_form_that_serving_reads_has_a_stored_package() -> None:
    """What fails here is a form of which no package is stored: see README.md."""
    seen = {form for folder in STORED for form in forms_of(folder)}
    assert known_forms(*NOUNS) - seen == set()
    assert {form for form in seen if not form.startswith("key")} <= known_forms(*NOUNS)


def test_a_new_key_or_coding_without_a_stored_package_is_noticed() -> None:
    @dataclass(frozen=True)
    class NewHeader:
        coding: Literal["bytes", "rans", "huffman"]
        huffman_bits: int = 0

    seen = {form for folder in STORED for form in forms_of(folder)}
    assert known_forms(NewHeader) - known_forms() - seen == {
        "coding huffman",
        "key NewHeader.coding",
        "key NewHeader.huffman_bits",
    }


def known_forms(*nouns: type) -> set[str]:
    """All that a reader of packages may meet: keys, codings, scales, bits, inputs, files."""
    forms = {f"bits {bits}" for bits in tables.BITS}
    forms |= {f"graph {name}" for name in GRAPH | {layout.list_input(""), layout.task_output("")}}
    for name in (layout.PACKED_MODEL, layout.SCHEMA, layout.GOLDEN):
        forms |= {f"file {name}", f"file {name.removesuffix('.zst')}"}
    for noun in nouns:
        for name, kind in get_type_hints(noun).items():
            forms.add(f"key {noun.__name__}.{name}")
            if get_origin(kind) is Literal and name in ("coding", "scale"):
                forms |= {f"{name} {value}" for value in get_args(kind)}
    return forms


def forms_of(folder: Path) -> Iterator[str]:
    """All of these that a stored package has; a key that says its default says nothing."""
    for path in folder.iterdir():
        if path.name.startswith(("model.onnx", "feature_schema", "golden")):
            yield f"file {path.name}"
    yield from _forms_of_table(folder)
    words, _ = compression.unpack((folder / layout.VOCABULARY).read_bytes(), "vocabulary")
    for run in words["fields"].values() if words.get("form") == 2 else ():
        yield from _keys(Run, run)
    schema = json.loads(read_whole(folder, layout.SCHEMA))
    yield from _keys(FeatureSchema, schema)
    kinds = {
        "categories": CategoryField,
        "buckets": BucketField,
        "numbers": NumberField,
        "lists": ListField,
        "vectors": VectorField,
    }
    for kind, noun in kinds.items():
        for one in schema.get(kind, ()):
            yield from _keys(noun, one)
    yield from (f"scale {one['scale']}" for one in schema.get("numbers", ()))
    yield from _keys(Golden, json.loads(read_whole(folder, layout.GOLDEN)))
    yield from _forms_of_graph(folder, schema)


def _forms_of_table(folder: Path) -> Iterator[str]:
    header, _ = compression.unpack((folder / layout.TABLE).read_bytes(), "table")
    if "form" not in header:
        yield f"bits {header['bits']}"
        return
    yield f"coding {header['coding']}"
    yield "key Header.form"
    yield from _keys(Header, header)


def _forms_of_graph(folder: Path, schema: dict[str, Any]) -> Iterator[str]:
    graph = onnx.load_from_string(read_whole(folder, layout.PACKED_MODEL)).graph
    names = {one.name for one in (*graph.input, *graph.output)}
    lists = {layout.list_input(one["name"]) for one in schema.get("lists", ())}
    tasks = {layout.task_output(name) for name in schema.get("tasks", ())}
    yield from (f"graph {name}" for name in names - lists - tasks)
    yield from (f"graph {layout.list_input('')}" for _ in lists & names)
    yield from (f"graph {layout.task_output('')}" for _ in tasks & names)


def _keys(noun: type, held: dict[str, Any]) -> Iterator[str]:
    """The keys of a noun that say something of their own."""
    for one in fields(noun):
        default = one.default_factory() if callable(one.default_factory) else one.default
        value = held.get(one.name, default)
        if one.default is MISSING and one.default_factory is MISSING:
            value = held[one.name]
        elif value == default or (not value and not default):
            continue
        yield f"key {noun.__name__}.{one.name}"

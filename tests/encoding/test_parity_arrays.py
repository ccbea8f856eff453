"""An array of JSON or Parquet is the list or the vector that a service's own list is.

A log's arrays go through the door and training, the same values as a service holds them through the
client: as lists, tuples, numpy's and Arrow's arrays, and as the texts that JSON and Python print.
"""

import json
import math
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from raw_values import FLOATS, TEXTS, number
from secateur.contracts.features import ListField, VectorField
from secateur.encoding.spelling import canonical
from secateur.features.columns.list_columns import split_texts
from secateur.features.columns.vector_columns import vectors_of
from secateur.scenario import FieldSpec
from secateur.serving.encoding.encoders import CategoryEncoder
from secateur.serving.encoding.sequences import encode_list, encode_vector

from .two_sides import log_of, spelled

ROWS = 200
SPEC = FieldSpec.model_validate(
    {"name": "list", "owner": "item", "kind": "list", "length": 3, "separator": "|"}
)
VECTOR = VectorField("vector", "item", 2, "|")
WORDS = [text for text in TEXTS if text not in ("nan", "NaN", "None")]


def values_of(name: str, dice: random.Random) -> Any:
    """A value of an array of this name."""
    match name:
        case "texts":
            return dice.choice([*WORDS, "[1]", '["a"]', "a|b", '"', "\\", None])
        case "doubles" | "floats":
            return dice.choice([number(dice), *FLOATS, None])
        case "whole":
            return dice.choice([dice.randrange(-50, 50), 2**62, None])
        case _:
            return dice.random() < 0.5


TYPES = {
    "texts": pa.list_(pa.string()),
    "doubles": pa.list_(pa.float64()),
    "floats": pa.list_(pa.float32()),
    "whole": pa.large_list(pa.int64()),
    "booleans": pa.list_(pa.bool_()),
}


def arrays(name: str) -> pa.Array:
    """Arrays of every length, some of them missing."""
    dice = random.Random(name)
    rows = [[values_of(name, dice) for _ in range(dice.randrange(5))] for _ in range(ROWS)]
    with np.errstate(over="ignore"):
        return pa.array([None, [], *rows], TYPES[name])


def trained(texts: pa.Array, known: Sequence[str]) -> tuple[list[list[int]], list[list[float]]]:
    """Ids of the lists and numbers of the vectors that training reads."""
    lists = split_texts(pa.chunked_array([texts]), SPEC)
    place = {value: n for n, value in enumerate(known)}
    ids = [[place.get(value, len(known)) for value in row] for row in lists.to_pylist()]
    return ids, vectors_of(texts, VECTOR)[0].view(np.int32).tolist()


def served(rows: list[Any], known: Sequence[str]) -> tuple[list[list[int]], list[list[float]]]:
    """Ids of the lists and numbers of the vectors that the client reads."""
    field = ListField("list", "item", len(known) + 1, SPEC.length, SPEC.separator)
    padded = encode_list(field, CategoryEncoder(known).encode, [*rows, []])[:-1]
    ids = [[one for one in row if one >= 0] for row in padded.tolist()]
    return ids, encode_vector(VECTOR, [*rows, []])[:-1].view(np.int32).tolist()


def forms(values: pa.Array) -> Iterator[tuple[str, list[Any]]]:
    """The rows in all the forms in which a service may hold them."""
    is_float32 = values.type.value_type == pa.float32()
    rows = [
        None if row is None else [np.float32(v) if is_float32 and v is not None else v for v in row]
        for row in values.to_pylist()
    ]
    yield "lists", rows
    yield "tuples", [row and tuple(row) for row in rows]
    yield "arrow", [None if one is None else one for one in (r.values for r in values)]
    yield "objects", [None if row is None else np.array([*row, None], object)[:-1] for row in rows]
    if not is_float32:
        yield "json", [None if row is None else json.dumps(row) for row in rows]


def vocabulary(texts: pa.Array) -> list[str]:
    lists = split_texts(pa.chunked_array([texts]), SPEC)
    return sorted(set(lists.flatten().to_pylist()))[::2]


def compare(texts: pa.Array, values: pa.Array) -> list[str]:
    known = vocabulary(texts)
    expected = trained(texts, known)
    return [
        f"{form} {kind} {row}: {one} against {other}"
        for form, rows in forms(values)
        for kind, ours, theirs in zip("lv", expected, served(rows, known), strict=True)
        for row, (one, other) in enumerate(zip(ours, theirs, strict=True))
        if one != other
    ]


def test_arrays_of_parquet_are_read_alike(spark: SparkSession, tmp_path: Path) -> None:
    columns = {name: arrays(name) for name in TYPES}
    events = spelled(spark, log_of(columns), "parquet", list(columns), tmp_path)
    for name, values in columns.items():
        assert (name, compare(events[name].combine_chunks(), values)) == (name, [])


def without_nan(values: pa.Array) -> pa.Array:
    """JSON has no NaN: within an array it is a text for Spark."""
    rows = values.to_pylist()
    return pa.array(
        [r and [None if isinstance(v, float) and math.isnan(v) else v for v in r] for r in rows],
        values.type,
    )


def test_arrays_of_json_are_read_alike(spark: SparkSession, tmp_path: Path) -> None:
    columns = {name: without_nan(arrays(name)) for name in TYPES if name != "floats"}
    rows = zip(*(values.to_pylist() for values in columns.values()), strict=True)
    lines = [json.dumps(dict(zip(columns, row, strict=True))) for row in rows]
    log = "".join(f"{line}\n" for line in lines).encode()
    events = spelled(spark, log, "json_lines", list(columns), tmp_path)
    for name, values in columns.items():
        assert (name, compare(events[name].combine_chunks(), values)) == (name, [])


PRINTED = [
    ('["a b", "c|d", 7, 7.0, true, null]', ["a b", "c|d", "7", "7", "1"]),
    ("['a b', 7.0, None, True]", ["a b", "7", "1"]),
    ("[1.2345678E7, 1e-05, 12e4]", ["12345678", "0.00001", "120000"]),
    ('[["a", 1], {"b": 2.0}]', ['["a","1"]', '{"b":"2"}']),
    ("[]", []),
    (" [ ] ", []),
    ("[promo] a|b", ["[promo] a", "b"]),
    ("[1, 2", ["[1, 2"]),
    ("[" * 100_000 + "]", ["[" * 100_000 + "]"]),
]


@pytest.mark.parametrize(("text", "values"), PRINTED, ids=lambda one: str(one)[:30])
def test_a_text_that_prints_an_array_is_one_on_both_sides(text: str, values: list[str]) -> None:
    spec = SPEC.model_copy(update={"length": 9})
    spelled_text = pa.array([canonical(text)], pa.string())
    assert split_texts(pa.chunked_array([spelled_text]), spec).to_pylist() == [values]
    known = sorted(set(values))
    field = ListField("list", "item", len(known) + 1, 9, "|")
    ids = encode_list(field, CategoryEncoder(known).encode, [text, "x"])[:1]
    assert [one for one in ids[0].tolist() if one >= 0] == [known.index(v) for v in values]


def test_a_historys_text_may_be_an_array() -> None:
    field = ListField("seen", "user", 3, 9, None, history=True)
    assert encode_list(field, CategoryEncoder(["7", "8"]).encode, '["8", 7]').tolist() == [[1, 0]]

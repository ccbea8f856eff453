"""A raw value has the same ids and the same float32 bits in training and in the client.

A difference that is planted in either is found.
"""

import csv
import io
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F  # noqa: N812

from raw_values import TYPES, column
from secateur.events import raw_rows as reading
from secateur.features.columns import encoder as training_encoder
from secateur.features.columns import list_columns as training_lists
from secateur.features.columns import number_columns as training_numbers
from secateur.features.columns import vector_columns as training_vectors
from secateur.serving.encoding import encoders, number_encoder, sequences

from .two_sides import Columns, all_differences, compare, events_of, every_type, spelled


def test_every_type_of_a_parquet_log_is_read_alike(spark: SparkSession, tmp_path: Path) -> None:
    columns = every_type(300, seed=1)
    assert [*all_differences(columns, events_of(spark, columns, tmp_path))] == []


@pytest.mark.proof
def test_a_hundred_thousand_values_are_read_alike(spark: SparkSession, tmp_path: Path) -> None:
    rows = 100_000 // len(TYPES) + 1
    assert rows * len(TYPES) >= 100_000
    columns = every_type(rows, seed=2)
    assert [*all_differences(columns, events_of(spark, columns, tmp_path))] == []


PRINTED = ("whole", "double", "float", "boolean", "decimal", "date")


def as_csv(columns: Mapping[str, list[Any]]) -> bytes:
    target = io.StringIO(newline="")
    csv.writer(target, lineterminator="\n").writerows(
        [[*columns], *zip(*columns.values(), strict=True)]
    )
    return target.getvalue().encode()


def as_json(columns: Mapping[str, list[Any]]) -> bytes:
    rows = zip(*columns.values(), strict=True)
    lines = (json.dumps(dict(zip(columns, row, strict=True)), default=str) for row in rows)
    return "".join(f"{line}\n" for line in lines).encode()


def prints_alike(name: str, value: Any) -> bool:
    """Whether Python prints a value as it is read: not a decimal's last zeros, nor infinity.

    Of float32 beyond 2^24 the text is another whole number than the value.
    """
    if value is None or name not in ("double", "float", "decimal"):
        return True
    is_exact = name != "float" or abs(value) < 2**24
    return is_exact and not re.search(r"inf|nan|\.\d*[1-9]0+$", str(value))


def printed(name: str, value: Any, form: str) -> Any:
    """A value as Python's writers of a form take it; JSON's knows no float32."""
    if name != "float" or value is None:
        return value
    return np.float32(value) if form == "csv" else float(str(np.float32(value)))


@pytest.mark.parametrize(("form", "write"), [("csv", as_csv), ("json_lines", as_json)])
def test_what_python_prints_into_a_text_log_is_read_alike(
    spark: SparkSession, tmp_path: Path, form: str, write: Callable[[Mapping[str, Any]], bytes]
) -> None:
    columns: dict[str, pa.Array] = {}
    for name in PRINTED:
        values = column(name, 500, 3)
        columns[name] = values.filter(pa.array([prints_alike(name, v.as_py()) for v in values]))
    columns = {name: values[:250] for name, values in columns.items()}
    assert {len(values) for values in columns.values()} == {250}
    rows = {n: [printed(n, v, form) for v in values.to_pylist()] for n, values in columns.items()}
    events = spelled(spark, write(rows), form, PRINTED, tmp_path)
    for name, values in columns.items():
        texts, hashes = (events[c].combine_chunks() for c in (name, f"hash of {name}"))
        assert (name, list(compare(values, texts, hashes))) == (name, [])


Wrong = Callable[..., Any]
PLANTED: list[tuple[object, str, Callable[[Any], Wrong]]] = [
    # In training:
    (training_numbers, "numbers_in", lambda right: lambda texts: right(texts) * (1 + 2**-20)),
    (training_lists, "canonical_text", lambda right: lambda text: text.strip() or None),
    (training_vectors, "vector_in", lambda right: lambda text, field: right(text + ",0", field)),
    (training_encoder, "scale", lambda right: lambda *given: right(*given) + np.float32(1e-6)),
    (training_encoder, "bucket_ids", lambda right: lambda field, x: right(field, -x)),
    # At the door:
    (reading, "as_text", lambda right: lambda value, kind: F.make_valid_utf8(value.cast("string"))),
    # In the client:
    (encoders, "spelling", lambda right: str),
    (number_encoder, "number_of", lambda right: lambda value: float("nan")),
    (number_encoder, "doubles_of", lambda right: lambda floats: floats.astype(np.float64)),
    (number_encoder, "scale", lambda right: lambda *given: right(*given) + np.float32(1e-6)),
    (sequences, "spelling", lambda right: lambda value: (right(value) or "").strip() or None),
    (sequences, "float32_rows", lambda right: lambda rows: right(rows) + np.float32(1e-6)),
]


@pytest.fixture(scope="module")
def right(
    spark: SparkSession, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Columns, pa.Table]:
    """Columns, and the events of them before anything is planted."""
    columns = every_type(120, seed=4)
    return columns, events_of(spark, columns, tmp_path_factory.mktemp("right"))


def test_nothing_differs_before_it_is_planted(right: tuple[Columns, pa.Table]) -> None:
    assert [*all_differences(*right)] == []


@pytest.mark.parametrize(
    ("module", "name", "wrong"), PLANTED, ids=lambda v: v if isinstance(v, str) else ""
)
def test_a_planted_difference_is_found(
    right: tuple[Columns, pa.Table],
    spark: SparkSession,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    module: object,
    name: str,
    wrong: Callable[[Any], Wrong],
) -> None:
    columns, events = right
    monkeypatch.setattr(module, name, wrong(getattr(module, name)))
    if module is reading:
        events = events_of(spark, columns, tmp_path)
    assert any(all_differences(columns, events))

"""What training makes of a column of raw values, and what the client does, side by side.

Training reads it from a log: Spark spells it at the door, workers encode it with Arrow. The client
is given it by a service as Python's, numpy's or Arrow's own. Neither side is used to say what the
other should give.
"""

import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import SparkSession

from raw_values import TYPES, column
from secateur.contracts.features import (
    BucketField,
    CategoryField,
    FeatureSchema,
    ListField,
    NumberField,
    VectorField,
)
from secateur.events import raw_rows as reading
from secateur.events.columns.keyed_hash import hash_of, with_pads
from secateur.events.reading.raw_file import RawFile
from secateur.events.spark_spelling import canonical_column
from secateur.features.columns.encoder import ColumnEncoder
from secateur.features.columns.list_columns import split_texts
from secateur.identity import hash_id
from secateur.scenario import FieldSpec, TableFormat
from secateur.serving.encoding import raw_columns
from secateur.serving.encoding.encoders import CategoryEncoder, HashedEncoder, KeyedEncoder
from secateur.serving.encoding.number_encoder import NumberEncoder
from secateur.serving.encoding.request_columns import IdColumns
from secateur.serving.encoding.sequences import encode_list, encode_vector
from secateur.spark import column_named

KEY = b"sixteen bytes or more"
BOUNDARIES = (-7.5, 0.0, 0.1, 0.7, 7.0, 1e7, 1e16)
NUMBERS = (
    NumberField("log", "item", "log"),
    NumberField("standard", "item", "standard", mean=0.3, deviation=3.0),
    NumberField(
        "centred", "item", "standard", mean=0.0, deviation=1.0
    ),  # which keeps a zero's sign
    NumberField("both", "item", "standard_log", mean=0.3, deviation=3.0),
    NumberField("quantile", "item", "quantile", knots=(-1.0, 0.1, 0.7, 30.0)),
)
VECTOR = VectorField("vector", "item", 2, ",")
LENGTH, SEPARATOR = 3, "|"
SPEC = FieldSpec.model_validate(
    {"name": "list", "owner": "item", "kind": "list", "length": LENGTH, "separator": SEPARATOR}
)
Found = dict[str, list[Any]]


def schema(known: int) -> FeatureSchema:
    """Every kind of field, over a vocabulary of so many values."""
    category = CategoryField("category", "item", known + 1, 1)
    return FeatureSchema(
        scenario="parity",
        label="label",
        categories=(category,),
        buckets=(BucketField("bucket", "item", BOUNDARIES),),
        id_key="",
        numbers=NUMBERS,
        lists=(ListField("list", "item", known + 1, LENGTH, SEPARATOR, shares="category"),),
        vectors=(VECTOR,),
    )


# The log's side.


def spelled(
    spark: SparkSession, log: bytes, form: str, names: Sequence[str], folder: Path
) -> pa.Table:
    """The columns of a log as the events hold them, and the keyed hash of each value."""
    file = folder / f"log.{form}"
    file.write_bytes(log)
    header = ",".join(names) if form == "csv" else None
    schema = pq.read_schema(file) if form == "parquet" else None
    known = {name: name for name in names}
    raw = RawFile("log", file, None, known, header, "", records=1, schema=schema)
    table = TableFormat(format=form)  # type: ignore[arg-type]
    rows = reading.raw_rows(spark, [raw], table)
    rows = rows.where(reading.FAULT + " is null")
    columns = [canonical_column(name, {}) for name in names]
    events = with_pads(rows.coalesce(1).select(*columns), KEY)
    hashes = [hash_of(column_named(name)).alias(f"hash of {name}") for name in names]
    return events.select(*map(column_named, names), *hashes).toArrow().combine_chunks()


def trained(texts: pa.Array, hashes: pa.Array, known: Sequence[str]) -> Found:
    """What training makes of a column of events, by what reads it."""
    made = ColumnEncoder(schema(len(known)), {"category": pa.array(known, pa.string())})
    lists = split_texts(pa.chunked_array([texts]), SPEC)
    inputs = {field.name: texts for field in made.schema.inputs} | {"list": lists}
    found = made.encode(inputs)
    columns = {name: found[name].to_pylist() for name in ("category", "bucket", "list")}
    for name in (*(field.name for field in NUMBERS), "vector"):
        values = found[name].flatten() if name == "vector" else found[name]
        columns[name] = bits(values.to_numpy(), len(texts))
    return {**columns, "hash": hashes.to_pylist()}


# The service's side.


def served(values: Any, known: Sequence[str]) -> Found:
    """What the client makes of the same column, by what reads it."""
    fields, rows = schema(len(known)), len(values)
    category = CategoryEncoder(known)
    side = IdColumns(fields.fields)
    ids = side.ids_by_row({"category": values, "bucket": values}, {"category": category}, rows)
    found: Found = dict(zip(("category", "bucket"), ids.T.tolist(), strict=True))
    for field in NUMBERS:
        scaled = NumberEncoder(field).encode(raw_columns.values_of(values))
        found[field.name] = bits(scaled, rows)
    cells = list(map(cell, raw_columns.to_list(values)))
    padded = encode_list(fields.lists[0], category.encode, [*cells, []])[:-1]
    found["list"] = [[i for i in row if i >= 0] for row in padded.tolist()]
    found["vector"] = bits(encode_vector(VECTOR, [*cells, []])[:-1], rows)
    return found


def cell(value: Any) -> Any:
    """A value as a row of a list or of a vector: text as it is, another alone in its row."""
    plain = value.as_py() if isinstance(value, pa.Scalar) else value
    is_row = plain is None or isinstance(plain, str | bytes | bytearray | memoryview)
    return value if is_row or plain != plain else [value]  # noqa: PLR0124 - NaN


def bits(floats: np.ndarray[Any, Any], rows: int) -> list[Any]:
    """Float32 by their bits."""
    assert floats.dtype == np.float32
    return np.ascontiguousarray(floats).view(np.int32).reshape(rows, -1).tolist()


def forms(values: pa.Array) -> Iterator[tuple[str, Any]]:
    """The same column in all the forms in which a service may hold it."""
    is_float32 = values.type == pa.float32()
    plain = [np.float32(v) if is_float32 and v is not None else v for v in values.to_pylist()]
    yield "list", plain
    yield "tuple", tuple(plain)
    yield "objects", np.array([*plain, None], object)[:-1]
    if pa.types.is_binary(values.type):
        yield "bytearrays", [None if value is None else bytearray(value) for value in plain]
        yield "memoryviews", [None if value is None else memoryview(value) for value in plain]
    yield "arrow scalars", list(values)
    yield "arrow array", values
    yield "chunked array", pa.chunked_array([values])
    yield "series", values.to_pandas(integer_object_nulls=True)
    if not values.null_count and pa.types.is_primitive(values.type):
        yield "array", values.to_numpy(zero_copy_only=False)
        yield "numpy scalars", list(values.to_numpy(zero_copy_only=False))
    if pa.types.is_floating(values.type):
        yield "array with NaN", values.to_numpy(zero_copy_only=False)


def differences(expected: Found, found: Found) -> list[str]:
    """Where two sides differ: reader and row."""
    return [
        f"{reader} row {row}: {one} against {other}"
        for reader in found
        for row, (one, other) in enumerate(zip(expected[reader], found[reader], strict=True))
        if one != other
    ]


def vocabulary(texts: pa.Array) -> list[str]:
    """Every second of the values, and every second of the values in lists."""
    lists = split_texts(pa.chunked_array([texts]), SPEC).flatten()
    values = pa.concat_arrays([texts.drop_null(), lists]).unique().to_pylist()
    return sorted(values)[::2]


def compare(values: pa.Array, texts: pa.Array, hashes: pa.Array) -> Iterator[str]:
    """All differences between training and every form in which a service holds a column."""
    known = vocabulary(texts)
    expected = trained(texts, hashes, known)
    for name, held in forms(values):
        yield from (f"{name}: {one}" for one in differences(expected, served(held, known)))
    keyed = {hash_id(KEY, text) for text in texts.drop_null().unique().to_pylist()}
    ranks = {one: place for place, one in enumerate(sorted(keyed))}
    finder = HashedEncoder(np.array([int(one, 16) for one in sorted(keyed)], np.uint64))
    users = KeyedEncoder(finder, KEY).encode(
        values.to_pylist() if values.type != pa.float32() else list(values)
    )
    wanted = [len(ranks) if one is None else ranks[one] for one in hashes.to_pylist()]
    yield from differences({"user": wanted}, {"user": users.tolist()})


def log_of(columns: Mapping[str, pa.Array]) -> bytes:
    target = io.BytesIO()
    pq.write_table(pa.table(dict(columns)), target)
    return target.getvalue()


Columns = Mapping[str, pa.Array]


def every_type(rows: int, seed: int) -> Columns:
    """A column of every type."""
    return {name: column(name, rows, seed) for name in TYPES}


def events_of(spark: SparkSession, columns: Columns, folder: Path) -> pa.Table:
    """The columns of a Parquet log as the events hold them, and the keyed hash of each value."""
    return spelled(spark, log_of(columns), "parquet", list(columns), folder)


def all_differences(columns: Columns, events: pa.Table) -> Iterator[str]:
    """Between the events and the client, of every column."""
    for name, values in columns.items():
        texts, hashes = (events[n].combine_chunks() for n in (name, f"hash of {name}"))
        yield from (f"{name} {one}" for one in compare(values, texts, hashes))

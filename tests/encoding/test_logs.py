"""From raw files to a package: the client finds what training learned, however a log is typed.

A service holds its values as Python does: whole numbers as int, flags as bool.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from pyspark.sql import SparkSession

from secateur import scenario
from secateur.artifacts import create
from secateur.contracts.candidates import Recipe
from secateur.contracts.features import FeatureSchema
from secateur.contracts.models import ModelSpec
from secateur.model.architectures.deepfm.network import DeepFM
from secateur.model.data.inputs import Inputs
from secateur.packaging.assembly import write_package
from secateur.packaging.source import HeldOut, Source
from secateur.serving.scorer import Scorer, load
from small_log import receipt, run_verb, sealed

DAYS = 5
ROWS_A_DAY = 40
START_MS = 1_709_251_200_000  # 2024-03-01
ITEMS = 9
SCENARIO = """
name = "typed"
title = "A log of typed columns"
seed = 1
candidates = []
[logs]
uri = "{uri}"
user = "uid"
item = "item"
time = "at"
window_days = 5
{format}
[label]
column = "liked"
[cleaning]
deduplicate_on = ["uid", "item", "at"]
missing = {{ price = ["-1"] }}
[features]
tune_days = 1
confirm_days = 1
counters = [{{ keys = ["item"], owner = "item", prior_rate = 0.5, kind = "number" }}]
fields = [
    {{ name = "uid", owner = "user", hashed = true }},
    {{ name = "item", owner = "item" }},
    {{ name = "author", owner = "item" }},
    {{ name = "is_new", owner = "item" }},
    {{ name = "price", owner = "item", kind = "bucket", buckets = 4 }},
    {{ name = "is_paid", owner = "item", kind = "bucket", buckets = 2 }},
]
[validation]
min_rows = 1
[training]
[judgement]
margin = 0.01
"""
Row = dict[str, Any]
Write = Callable[[Path, list[Row]], None]


def rows_of(day: int) -> list[Row]:
    """What happened on a day, as a service knows it."""
    dice = np.random.default_rng(day)
    found = []
    for n in range(ROWS_A_DAY):
        item = int(dice.integers(ITEMS))
        found.append(
            {
                "uid": 12_345_678 + int(dice.integers(7)),
                "item": 10_000_000 + item,
                "author": f"a{item // 2}",
                "is_new": item % 2 == 0,
                "price": -1.0 if item == 3 else round(0.1 * item + 0.7, 1),
                "is_paid": item % 3 == 0,
                "at": START_MS + day * 86_400_000 + n * 1000,
                "liked": int(dice.integers(2)),
            }
        )
    return found


def folder_of(log: Path, day: int) -> Path:
    folder = log / "events" / f"date=2024-03-0{day + 1}"
    folder.mkdir(parents=True)
    return folder


def write_parquet(log: Path, types: Mapping[str, pa.DataType], names: list[str]) -> None:
    for day in range(DAYS):
        rows = rows_of(day)
        columns = {n: pa.array([row[n] for row in rows]).cast(types[n]) for n in names}
        pq.write_table(pa.table(columns), folder_of(log, day) / "log.parquet")


DOUBLES = dict.fromkeys(("uid", "item", "at", "liked"), pa.float64()) | {
    "author": pa.dictionary(pa.int32(), pa.string()),
    "is_new": pa.bool_(),
    "price": pa.float32(),
    "is_paid": pa.bool_(),
}
INTEGERS = (
    DOUBLES
    | dict.fromkeys(("uid", "item", "at", "liked"), pa.int64())
    | {
        "author": pa.binary(),
        "price": pa.decimal128(9, 2),
    }
)


def doubles(log: Path) -> str:
    write_parquet(log, DOUBLES, [*rows_of(0)[0]])
    return 'format = "parquet"'


def integers(log: Path) -> str:
    write_parquet(log, INTEGERS, [*rows_of(0)[0]])
    return 'format = "parquet"'


def json_lines(log: Path) -> str:
    for day in range(DAYS):
        lines = [json.dumps(row | {"liked": bool(row["liked"])}) for row in rows_of(day)]
        (folder_of(log, day) / "log.json").write_text("\n".join(lines) + "\n")
    return 'format = "json_lines"'


def csv_with_a_side_table_of_doubles(log: Path) -> str:
    names = ["uid", "item", "at", "liked"]
    for day in range(DAYS):
        lines = [",".join(str(row[n]) for n in names) for row in rows_of(day)]
        (folder_of(log, day) / "log.csv").write_text("\n".join([",".join(names), *lines]) + "\n")
    items = {row["item"]: row for day in range(DAYS) for row in rows_of(day)}
    columns = {
        name: pa.array([row[name] for row in items.values()]).cast(DOUBLES[name])
        for name in ("item", "author", "is_new", "price", "is_paid")
    }
    pq.write_table(pa.table(columns), log / "items.parquet")
    return 'sides = [{ name = "items", path = "items.parquet", key = "item", format = "parquet" }]'


def scorer_of(features: Any, folder: Path) -> Scorer:
    """The client of a package with random weights, of the FeatureSet's schema and vocabulary."""
    schema: FeatureSchema = features.read("schema.json", FeatureSchema)
    table = pq.read_table(features.folder / "vocabulary.parquet").to_pydict()
    words: dict[str, list[str]] = {field.name: [] for field in schema.vocabularies}
    for field, value in zip(table["field"], table["value"], strict=True):
        words[field].append(value)
    sizes = tuple(field.size for field in schema.fields)
    names = tuple(field.name for field in schema.fields)
    numbers = tuple(field.name for field in schema.numbers)
    model = DeepFM(ModelSpec("deepfm", names, sizes, 4, (8,), numbers=numbers)).eval()
    nothing = {field.name: [None] * 2 for field in schema.inputs}
    ids = torch.tensor([[size - 1 for size in sizes]] * 2, dtype=torch.int32)
    inputs = Inputs(ids, torch.zeros(2, len(numbers)), torch.empty(2, 0), ())
    source = Source(schema, words, HeldOut(nothing, inputs), dict(features.manifest.facts))
    with create(folder.as_uri(), "Package") as draft:
        write_package(draft, model, Recipe("sample"), source, inputs, "A sample")
    return load(folder)


# Of these types and forms test_parity.py says the same, a column at a time.
SLOW = [pytest.param(write, marks=pytest.mark.proof) for write in (integers, json_lines)]


@pytest.mark.parametrize(
    "write", [doubles, csv_with_a_side_table_of_doubles, *SLOW], ids=lambda write: write.__name__
)
def test_the_client_finds_what_training_learned(
    spark: SparkSession, tmp_path: Path, write: Callable[[Path], str]
) -> None:
    log, file = tmp_path / "log", tmp_path / "typed.toml"
    file.write_text(SCENARIO.format(uri=log, format=write(log)))
    settings = scenario.load_scenario(str(file), ())
    run_verb("clean_events", settings, output=tmp_path / "events")
    events = sealed(str(tmp_path / "events"))
    assert events.manifest.facts["quarantined"] == 0
    told = {"events": tmp_path / "events", "validation": receipt(events, tmp_path / "report")}
    run_verb("build_features", settings, **told, output=tmp_path / "features")
    features = sealed(str(tmp_path / "features"))

    schema: FeatureSchema = features.read("schema.json", FeatureSchema)
    sizes = {field.name: field.size for field in schema.categories}
    assert sizes == {"uid": 8, "item": ITEMS + 1, "author": 6, "is_new": 3}

    rows = {row["at"]: row for day in range(DAYS) for row in rows_of(day)}
    files = sorted(features.folder.glob("t*/*.parquet"))
    trained = pa.concat_tables([pq.ParquetFile(f).read() for f in files], promote_options="default")
    given = [rows[at] for at in trained["time_ms"].to_pylist()]
    assert len(given) == (DAYS - 1) * ROWS_A_DAY
    known = [field.name for field in schema.fields]
    columns = {name: [row[name] for row in given] for name in known}
    scorer = scorer_of(features, tmp_path / "package")
    counters = {field.name: [0.0] * len(given) for field in schema.numbers}
    found = scorer.repeat_request(scorer.encode({**columns, **counters}))
    ids = np.concatenate([found[name] for name in ("request_ids", "ids") if name in found], axis=1)
    expected = {name: trained[name].to_pylist() for name in known}
    order = [known[place] for places in scorer._runtime.id_places.values() for place in places]
    assert {n: ids[:, j].tolist() for j, n in enumerate(order)} == expected

    oov = {field.name: field.oov for field in schema.fields}
    unknown = {name: sum(i == oov[name] for i in expected[name]) for name in known}
    without_price = sum(row["price"] == -1 for row in given)
    assert unknown == {**dict.fromkeys(known, 0), "price": without_price}
    assert without_price > 0

"""The same rows as logs of every type and format, under a scenario that reads values everywhere.

The places: user hashes, deduplication, missing values, rules, the keys and signals of counters,
labels and tasks, event types, slices, keys of side tables, and fields of every kind. A service
holds its values as Python does: whole numbers as int, flags as bool, lists as lists.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

DAYS = 5
ROWS_A_DAY = 40
START_MS = 1_709_251_200_000  # 2024-03-01
ITEMS = 9
BAD_PRICE = -5.5
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
[label.tasks.bought]
kind = "event_type"
column = "kind"
positive = ["3"]
negative = ["7"]
[label.tasks.long]
kind = "threshold"
column = "watched"
at_least = 0.7
[cleaning]
deduplicate_on = ["uid", "item", "at"]
quarantine_budget = 0.2
missing = {{ price = ["-1.0"], zone = ["9"] }}
rules = [{{ code = "odd_price", bad = "price = '-5.5'" }}]
[features]
tune_days = 1
confirm_days = 1
counters = [
    {{ keys = ["item"], owner = "item", prior_rate = 0.5, kind = "number" }},
    {{ keys = ["uid", "geo.city"], owner = "user", prior_rate = 0.5, of = "is_paid" }},
    {{ keys = ["zone"], owner = "user", prior_rate = 0, last = 3, of = "watched", at_least = 1 }},
]
fields = [
    {{ name = "uid", owner = "user", hashed = true }},
    {{ name = "item", owner = "item" }},
    {{ name = "author", owner = "item" }},
    {{ name = "is_new", owner = "item" }},
    {{ name = "zone", owner = "context" }},
    {{ name = "born", owner = "item" }},
    {{ name = "geo.city", owner = "user" }},
    {{ name = "price", owner = "item", kind = "bucket", buckets = 4 }},
    {{ name = "is_paid", owner = "item", kind = "number" }},
    {{ name = "tags", owner = "item", kind = "list", separator = "|", length = 3 }},
    {{ name = "place", owner = "item", kind = "vector", separator = "|", length = 2 }},
    {{ name = "seen", owner = "user", kind = "history", shares = "item", type = "kind" }},
]
slices = [
    {{ name = "new", column = "is_new", values = ["True"] }},
    {{ name = "zone", column = "zone", values = ["4.0"] }},
]
[validation]
min_rows = 1
rules = [{{ name = "known_city", holds = "`geo.city` IN ('1', '2')" }}]
[training]
[judgement]
margin = 0.01
"""
Row = dict[str, Any]
Write = Callable[[Path], str]
OF_LABELS = ("at", "liked", "kind", "watched")
OF_ITEMS = ("author", "is_new", "born", "price", "is_paid", "tags", "place")


def item_row(item: int) -> Row:
    """What a service knows of an item."""
    return {
        "item": 10_000_000 + item,
        "author": f"a{item // 2}",
        "is_new": item % 2 == 0,
        "price": -1.0 if item == 3 else BAD_PRICE if item == 5 else round(0.1 * item + 0.7, 1),
        "is_paid": item % 3 == 0,
        "born": date(2024, 1, 1 + item // 3),
        "tags": [] if item == 4 else [str(1000 * (item % 4)), f"t {item}"],
        "place": [0.1 * item, -1e-7 * item],
    }


def rows_of(day: int) -> list[Row]:
    """What happened on a day, as a service knows it; the last row is the first once more."""
    dice = np.random.default_rng(day)
    found = []
    for n in range(ROWS_A_DAY):
        row = item_row(int(dice.integers(ITEMS)))
        found.append(
            row
            | {
                "uid": 12_345_678 + int(dice.integers(7)),
                "at": START_MS + day * 86_400_000 + n * 1000,
                "liked": int(dice.integers(2)),
                "kind": int(dice.choice([3, 7])),
                "zone": int(dice.choice([4, 5, 9])),
                "watched": float(dice.choice([0.1, 0.7, 1e-05, 1234567.5])),
                "geo": {"city": int(dice.integers(1, 3))},
            }
        )
    return [*found, found[0]]


def folder_of(log: Path, day: int) -> Path:
    folder = log / "events" / f"date=2024-03-0{day + 1}"
    folder.mkdir(parents=True)
    return folder


@dataclass(frozen=True)
class Types:
    """Arrow's types of the columns."""

    of: Mapping[str, pa.DataType]

    def array(self, name: str, values: list[Any]) -> pa.Array:
        """A column of this type."""
        kind = self.of[name]
        if pa.types.is_timestamp(kind):
            return pa.array(values, pa.int64()).cast(pa.timestamp("ms", "UTC")).cast(kind)
        if pa.types.is_dictionary(kind):
            return pa.array(values).dictionary_encode()
        if pa.types.is_nested(kind):
            return pa.array(values, kind)
        return pa.array(values).cast(kind)

    def table(self, rows: list[Row]) -> pa.Table:
        """A table of rows."""
        return pa.table({n: self.array(n, [row[n] for row in rows]) for n in rows[0]})


TEXTS = pa.list_(pa.string())
DOUBLES = Types(
    dict.fromkeys(("uid", "item", "at", "liked", "kind", "zone"), pa.float64())
    | {
        "author": pa.dictionary(pa.int32(), pa.string()),
        "is_new": pa.bool_(),
        "price": pa.float32(),
        "watched": pa.float32(),
        "is_paid": pa.bool_(),
        "born": pa.date32(),
        "tags": TEXTS,
        "place": pa.list_(pa.float32()),
        "geo": pa.struct({"city": pa.float64()}),
    }
)
INTEGERS = Types(
    {
        "uid": pa.uint32(),
        "item": pa.uint64(),
        "at": pa.timestamp("ns", "Asia/Shanghai"),
        "liked": pa.bool_(),
        "kind": pa.uint8(),
        "zone": pa.int16(),
        "author": pa.binary(),
        "is_new": pa.int8(),
        "price": pa.decimal128(9, 2),
        "watched": pa.float64(),
        "is_paid": pa.float32(),
        "born": pa.string(),
        "tags": pa.large_list(pa.large_string()),
        "place": pa.list_(pa.float64(), 2),
        "geo": pa.struct({"city": pa.int8()}),
    }
)


def parquet(types: Types, log: Path) -> str:
    for day in range(DAYS):
        pq.write_table(types.table(rows_of(day)), folder_of(log, day) / "log.parquet")
    return 'format = "parquet"'


def doubles(log: Path) -> str:
    return parquet(DOUBLES, log)


def integers(log: Path) -> str:
    return parquet(INTEGERS, log)


def json_lines(log: Path) -> str:
    for day in range(DAYS):
        told = [
            row | {"liked": bool(row["liked"]), "zone": float(row["zone"])} for row in rows_of(day)
        ]
        lines = [json.dumps(row, default=str) for row in told]
        (folder_of(log, day) / "log.json").write_text("\n".join(lines) + "\n")
    return 'format = "json_lines"'


def cell(value: Any) -> str:
    """A value as Python prints it into a CSV file; a list between bars."""
    return "|".join(map(str, value)) if isinstance(value, list) else str(value)


def write_csv(file: Path, rows: list[Row]) -> None:
    names = [*rows[0]]
    lines = [",".join(cell(row[n]) for n in names) for row in rows]
    file.write_text("\n".join([",".join(names), *lines]) + "\n")


def flat_row(row: Row) -> Row:
    """A row whose city is a column of its own: it has the name of the struct's member."""
    return {n: v for n, v in row.items() if n != "geo"} | {"geo.city": row["geo"]["city"]}


def csv(log: Path) -> str:
    for day in range(DAYS):
        write_csv(folder_of(log, day) / "log.csv", [flat_row(row) for row in rows_of(day)])
    return ""


def csv_with_a_side_table_of_doubles(log: Path) -> str:
    for day in range(DAYS):
        rows = [{n: v for n, v in flat_row(r).items() if n not in OF_ITEMS} for r in rows_of(day)]
        prices = [r["price"] for r in rows_of(day)]  # which a rule and a task read in raw rows
        rows = [row | {"price": price} for row, price in zip(rows, prices, strict=True)]
        write_csv(folder_of(log, day) / "log.csv", rows)
    items = [{n: v for n, v in item_row(i).items() if n != "price"} for i in range(ITEMS)]
    pq.write_table(DOUBLES.table(items), log / "items.parquet")
    return 'sides = [{ name = "items", path = "items.parquet", key = "item", format = "parquet" }]'

"""A FeatureSet with every kind of field, its ids made row by row in plain Python."""

import math
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from secateur import artifacts
from secateur.artifacts import Artifact, Draft
from secateur.contracts.features import (
    BucketField,
    CategoryField,
    FeatureSchema,
    ListField,
    NumberField,
    VectorField,
)
from secateur.contracts.manifest import MadeBy
from secateur.identity import fingerprint, hash_id

KEY = b"a key of sixteen bytes or more"
USERS = [hash_id(KEY, str(user)) for user in range(12)]
ITEMS = [str(item) for item in range(100, 120)]
TAGS = ["red", "blue", "007", "a b", "é"]
TYPES = ["click", "buy"]
AGES, KNOTS = (18.0, 40.0), (0.0, 1.0, 5.0, 20.0)
WORDS = {"user_id": USERS, "item": ITEMS, "tags": TAGS, "seen_types": TYPES}

SCHEMA = FeatureSchema(
    scenario="all_kinds",
    label="bought",
    categories=(
        CategoryField("user_id", "user", 13, 1, hashed=True),
        CategoryField("item", "item", 21, 1),
    ),
    buckets=(BucketField("age", "user", AGES),),
    id_key=fingerprint(KEY),
    numbers=(
        NumberField("price", "item", "log"),
        NumberField("temperature", "context", "standard", mean=20.0, deviation=4.0),
        NumberField("rank", "item", "quantile", knots=KNOTS),
    ),
    lists=(
        ListField("tags", "item", 6, 3, "|"),
        ListField("seen", "user", 21, 4, None, shares="item", history=True),
        ListField("seen_types", "user", 3, 4, None, history=True),
        ListField("alike", "item", 21, 2, " ", shares="item"),
    ),
    vectors=(VectorField("title", "item", 4, ";"), VectorField("place", "context", 2, ",")),
)
ROWS = {"train": 900, "tune": 150, "confirm": 150}
DAYS = {
    "train": ("2024-01-01", "2024-01-02", "2024-01-03"),
    "tune": ("2024-01-04",),
    "confirm": ("2024-01-05",),
}
Raw = dict[str, Any]


def raw_row(dice: random.Random) -> Raw:
    """Values as a log has them: some missing, some unknown, lists of every length."""

    def words(known: Sequence[str], longest: int) -> list[str] | None:
        n = dice.randrange(longest + 1)
        return [dice.choice([*known, "unseen"]) for _ in range(n)] or dice.choice([[], None])

    def number(low: float, high: float) -> float | None:
        return dice.choice([None, *[dice.uniform(low, high)] * 9])

    def vector(length: int) -> list[float] | None:
        values = [float(np.float32(dice.gauss(0, 1))) for _ in range(length)]
        return dice.choice([None, *[values] * 9])

    seen = words(ITEMS, 7)
    return {
        "user_id": dice.choice([*USERS, "00000000000000ff", None]),
        "item": dice.choice([*ITEMS[: dice.randrange(1, 21)], "unseen", None]),
        "age": number(0, 60),
        "price": number(-50, 500),
        "temperature": number(0, 40),
        "rank": number(-3, 25),
        "tags": words(TAGS, 5),
        "seen": seen,
        "seen_types": None if seen is None else [dice.choice([*TYPES, "look"]) for _ in seen],
        "alike": words(ITEMS, 3),
        "title": vector(4),
        "place": vector(2),
    }


def place(field: str, value: object) -> int:
    """Id of a value in a vocabulary."""
    known = WORDS[field]
    return known.index(str(value)) if value in known else len(known)


def encoded_row(raw: Raw) -> Raw:
    """What features make of a raw row, by the contract's words."""
    age, price, temperature, rank = (raw[k] for k in ("age", "price", "temperature", "rank"))
    seen, types = (raw[k] or [] for k in ("seen", "seen_types"))
    return {
        "user_id": place("user_id", raw["user_id"]),
        "item": place("item", raw["item"]),
        "age": 3 if age is None else sum(b <= age for b in AGES),
        "price": 0.0 if price is None else math.copysign(math.log(1 + abs(price)), price),
        "temperature": 0.0 if temperature is None else (temperature - 20) / 4,
        "rank": 0.0 if rank is None else share_at(rank),
        "tags": [place("tags", v) for v in (raw["tags"] or [])[:3]],
        "seen": [place("item", v) for v in seen[-4:]],
        "seen_types": [place("seen_types", v) for v in types[-4:]],
        "alike": [place("item", v) for v in (raw["alike"] or [])[:2]],
        "title": raw["title"] or [0.0] * 4,
        "place": raw["place"] or [0.0] * 2,
    }


def share_at(x: float) -> float:
    """Share of train rows at or below x, linear between the knots."""
    if x <= KNOTS[0]:
        return 0.0
    for i in range(len(KNOTS) - 1):
        low, high = KNOTS[i], KNOTS[i + 1]
        if x <= high:
            return (i + (x - low) / (high - low)) / (len(KNOTS) - 1)
    return 1.0


def types(raw: bool) -> dict[str, pa.DataType]:
    """Arrow types of the columns: of raw values, or of what features make of them."""
    kinds = {
        "categories": (pa.int32(), pa.string()),
        "buckets": (pa.int32(), pa.float64()),
        "numbers": (pa.float32(), pa.float64()),
        "lists": (pa.list_(pa.int32()), pa.list_(pa.string())),
        "vectors": (pa.list_(pa.float32()), pa.list_(pa.float32())),
    }
    return {f.name: t[raw] for kind, t in kinds.items() for f in getattr(SCHEMA, kind)}


def liked(row: Raw) -> int:
    """A label that every kind of field has a say in."""
    score = (row["item"] % 2) + row["price"] / 4 + len(row["tags"]) - 2 * (0 in row["seen_types"])
    return int(score + sum(row["title"]) > 1.5)


def write_split(draft: Draft, split: str, raw: list[Raw]) -> None:
    """Write one split in two files, raw values beside the ids where it is held out."""
    rows = [encoded_row(one) for one in raw]
    columns = {n: pa.array([row[n] for row in rows], t) for n, t in types(raw=False).items()}
    columns["label"] = pa.array([liked(row) for row in rows], pa.int8())
    columns["user_hash"] = pa.array([one["user_id"] or "" for one in raw])
    columns["item_key"] = pa.array([str(one["item"]) for one in raw])
    days = DAYS[split]
    columns["day"] = pa.array([days[i * len(days) // len(rows)] for i in range(len(rows))])
    columns["time_ms"] = pa.array(range(len(rows)), pa.int64())
    if split != "train":
        columns |= {
            f"value_{n}": pa.array([one[n] for one in raw], t) for n, t in types(raw=True).items()
        }
        ones = pa.array([1] * len(rows), pa.int32())
        columns |= {"user_train_events": ones, "item_train_events": ones}
    (draft.folder / split).mkdir()
    table, half = pa.table(columns), len(rows) // 2
    pq.write_table(table.slice(0, half), draft.folder / split / "part-00000.parquet")
    pq.write_table(table.slice(half), draft.folder / split / "part-00001.parquet")


def sealed_features(folder: Path) -> Artifact:
    """The sealed FeatureSet."""
    dice = random.Random(5)
    with artifacts.create(folder.as_uri(), "FeatureSet") as draft:
        draft.write("schema.json", SCHEMA)
        for split, n in ROWS.items():
            raw = [raw_row(dice) for _ in range(n)]
            write_split(draft, split, raw)
            if split == "train":
                pq.write_table(vocabulary(raw), draft.folder / "vocabulary.parquet")
        facts = {"rows": ROWS, "days": {split: list(days) for split, days in DAYS.items()}}
        draft.seal(MadeBy("test", "0"), {}, facts)
    return artifacts.open_artifact(folder.as_uri(), "FeatureSet")


def vocabulary(raw: list[Raw]) -> pa.Table:
    """Every value with its id and how often the train rows hold it."""
    rows = [encoded_row(one) for one in raw]
    found = {name: [row[name] for row in rows] for name in WORDS}
    words = []
    for name, known in WORDS.items():
        values = [v for row in found[name] for v in (row if isinstance(row, list) else [row])]
        words += [(name, i, value, values.count(i)) for i, value in enumerate(known)]
    return pa.table(
        {n: [word[k] for word in words] for k, n in enumerate(("field", "id", "value", "count"))}
    )

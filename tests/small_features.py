"""A FeatureSet with an input of every kind, sealed by hand, so that each test can break it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from secateur.artifacts import Artifact, create
from secateur.contracts.features import (
    SPLITS,
    BucketField,
    CategoryField,
    FeatureSchema,
    ListField,
    NumberField,
    VectorField,
)
from secateur.contracts.manifest import MadeBy
from small_log import milliseconds, sealed

DAYS = {"train": ("2024-03-01", "2024-03-02"), "tune": ("2024-03-03",), "confirm": ("2024-03-04",)}
ROWS_A_DAY = 10

SCHEMA = FeatureSchema(
    scenario="watched",
    label="liked",
    categories=(CategoryField("item", "item", 5, 1), CategoryField("tag", "item", 3, 1)),
    buckets=(BucketField("age", "user", (18.0, 40.0)),),
    id_key="ab" * 8,
    numbers=(
        NumberField("price", "item", "log"),
        NumberField("score", "item", "quantile", knots=(0.0, 1.0)),
    ),
    lists=(
        ListField("words", "item", 6, 3, " "),
        ListField("taken", "user", 5, 4, None, shares="item", history=True),
    ),
    vectors=(VectorField("embedding", "item", 2, ","),),
    slices=("new_user",),
    tasks=("saved",),
)

TYPES = pa.schema(
    [
        *((name, pa.int32()) for name in ("item", "tag", "age")),
        *((name, pa.float32()) for name in ("price", "score")),
        *((name, pa.list_(pa.int32())) for name in ("words", "taken")),
        ("embedding", pa.list_(pa.float32())),
        ("label", pa.int8()),
        ("label_saved", pa.int8()),
        ("user_hash", pa.string()),
        ("item_key", pa.string()),
        ("day", pa.string()),
        ("time_ms", pa.int64()),
        ("slice_0", pa.int8()),
    ]
)

VOCABULARY = pa.schema(
    [("field", pa.string()), ("id", pa.int32()), ("value", pa.string()), ("count", pa.int64())]
)


def day_rows(day: str) -> dict[str, list[Any]]:
    """The columns of one day's rows, all of them as the schema promises."""
    numbers = range(ROWS_A_DAY)
    return {
        "item": [n % 5 for n in numbers],
        "tag": [n % 3 for n in numbers],
        "age": [n % 4 for n in numbers],
        "price": [n - 4.5 for n in numbers],
        "score": [n / 9 for n in numbers],
        "words": [[(n + k) % 6 for k in range(n % 4)] for n in numbers],
        "taken": [[n % 5] * (n % 5) for n in numbers],
        "embedding": [[0.0, float(n)] for n in numbers],
        "label": [n % 2 for n in numbers],
        "label_saved": [(0, 1, None)[n % 3] for n in numbers],
        "user_hash": [f"hash-{n % 3}" for n in numbers],
        "item_key": [f"item {n % 5}" for n in numbers],
        "day": [day] * ROWS_A_DAY,
        "time_ms": [milliseconds(day, 100 * n) for n in numbers],
        "slice_0": [n % 2 for n in numbers],
    }


def vocabulary_rows() -> dict[str, list[Any]]:
    """The vocabularies that the schema promises."""
    sizes = {"item": 5, "tag": 3, "words": 6}
    pairs = [(name, id_) for name, size in sizes.items() for id_ in range(size - 1)]
    return {
        "field": [name for name, _ in pairs],
        "id": [id_ for _, id_ in pairs],
        "value": [f"{name} {id_}" for name, id_ in pairs],
        "count": [9 - id_ for _, id_ in pairs],
    }


@dataclass
class SmallFeatures:
    """Rows by day; change them, the schema or the vocabulary, then `seal`."""

    days: dict[str, dict[str, list[Any]]] = field(
        default_factory=lambda: {day: day_rows(day) for days in DAYS.values() for day in days}
    )
    schema: FeatureSchema = SCHEMA
    vocabulary: dict[str, list[Any]] = field(default_factory=vocabulary_rows)
    types: pa.Schema = TYPES
    facts: dict[str, Any] = field(default_factory=dict)

    def put(self, split: str, column: str, value: object, row: int = 0) -> "SmallFeatures":
        """Change one value of a split's first day."""
        self.days[DAYS[split][0]][column][row] = value
        return self

    def fill(self, split: str, column: str, value: object) -> "SmallFeatures":
        """Give all rows of a split's days one value."""
        for day in DAYS[split]:
            self.days[day][column] = [value] * len(self.days[day][column])
        return self

    def with_list(self, name: str, **changes: object) -> "SmallFeatures":
        """Change one list of the schema."""
        lists = tuple(
            replace(one, **changes) if one.name == name else one for one in self.schema.lists
        )
        self.schema = replace(self.schema, lists=lists)
        return self

    def seal(self, uri: Path, splits: Sequence[str] = SPLITS) -> Artifact:
        """Write schema, vocabulary and splits; the manifest promises every day of `DAYS`."""
        with create(str(uri), "FeatureSet") as draft:
            draft.write("schema.json", self.schema)
            table = pa.table(self.vocabulary, VOCABULARY)
            pq.write_table(table, draft.folder / "vocabulary.parquet")
            for split in splits:
                (draft.folder / split).mkdir()
                for number, day in enumerate(DAYS[split]):
                    self._write(draft.folder / split / f"part-{number:05d}.parquet", split, day)
            draft.seal(MadeBy("by hand", "0"), {}, {"days": DAYS} | self.facts)
        return sealed(str(uri))

    def _write(self, file: Path, split: str, day: str) -> None:
        slices = [] if split != "train" else ["slice_0"]
        names = [name for name in self.types.names if name not in slices]
        types = pa.schema([self.types.field(name) for name in names])
        pq.write_table(pa.table({name: self.days[day][name] for name in names}, types), file)

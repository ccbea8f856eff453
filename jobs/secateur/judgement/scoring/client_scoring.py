"""Rows that no model was trained on, scored through the client that will serve the package.

A `ClientScorer` is what `secateur.serving.scorer.load` returns; only its calls are known here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from secateur.auc import Scores
from secateur.contracts.features import (
    ITEM_KEY,
    ITEM_TRAIN_EVENTS,
    USER_HASH,
    USER_TRAIN_EVENTS,
    VALUE_PREFIX,
    FeatureSchema,
)
from secateur.judgement.accuracy import BinaryLabels, Users
from secateur.judgement.metrics.user_order import Codes
from secateur.judgement.scoring.raw_values import RawValues, StoredValues

BULK = 8192  # rows scored at once

RawColumns = Mapping[str, object]  # a sequence or array [n] a field, or one value for all n


class ClientScorer(Protocol):
    """The client's scorer, as far as it is measured."""

    @property
    def schema(self) -> FeatureSchema:
        """The inputs that it reads."""

    def score(self, columns: RawColumns, *, hashed: bool = False) -> Scores:
        """Probabilities [n] of raw values."""

    def score_tasks(self, columns: RawColumns, *, hashed: bool = False) -> dict[str, Scores]:
        """Probabilities [n] of the label and of every task by name."""

    def encode(self, columns: RawColumns, *, hashed: bool = False) -> Any:  # noqa: ANN401
        """The model's inputs for raw values; `score_ids` alone looks into them."""

    def repeat_request(self, encoded: Any) -> Any:  # noqa: ANN401
        """The same inputs, the request's own repeated for every row."""

    def score_ids(self, encoded: Any) -> Scores:  # noqa: ANN401
        """Probabilities [n] of what `encode` gives."""


@dataclass(frozen=True)
class HeldOutRows:
    """One split: labels, users, items and days as codes, and what the client would be given.

    `slices` are the scenario's: by name, a mask of the rows inside. `tasks` are the labels of
    further tasks by name, NaN where a row does not tell. Only `values` may lie outside the memory.
    """

    labels: BinaryLabels
    users: Users
    items: Codes
    days: Codes
    hashes: pa.Array
    train_events: Mapping[str, NDArray[np.int32]]
    values: RawValues
    item_fields: frozenset[str]
    slices: Mapping[str, NDArray[np.bool_]]
    tasks: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    last_day: str = ""

    def __len__(self) -> int:
        return len(self.labels)


def read_rows(folder: Path, schema: FeatureSchema) -> HeldOutRows:
    """Read one split [n] of a FeatureSet, raw values only: the client makes its own ids.

    In memory are a few numbers a row; hashes and items are codes, with a dictionary beside them.
    """
    files = sorted(folder.glob("*.parquet"))
    counts = {"user": USER_TRAIN_EVENTS, "item": ITEM_TRAIN_EVENTS}
    numbers = ["label", *counts.values(), *schema.slice_columns, *schema.task_columns]
    texts = [USER_HASH, ITEM_KEY, "day"]
    table = pq.read_table(files, columns=[*numbers, *texts], read_dictionary=texts)
    hashes = table[USER_HASH].unify_dictionaries().combine_chunks()
    return HeldOutRows(
        labels=table["label"].to_numpy(),
        users=_codes(hashes),
        items=_codes(table[ITEM_KEY]),
        days=_codes(table["day"]),
        hashes=hashes,
        train_events={owner: table[column].to_numpy() for owner, column in counts.items()},
        values=StoredValues(files, {f.name: VALUE_PREFIX + f.name for f in schema.inputs}),
        item_fields=frozenset(f.name for f in schema.inputs if f.owner == "item"),
        slices={
            name: table[column].to_numpy() == 1
            for name, column in zip(schema.slices, schema.slice_columns, strict=True)
        },
        tasks={
            name: table[column].to_numpy().astype(np.float32)
            for name, column in zip(schema.tasks, schema.task_columns, strict=True)
        },
        last_day=str(max(filter(None, pc.unique(table["day"]).to_pylist()), default="")),
    )


def score_all(scorer: ClientScorer, rows: HeldOutRows) -> Scores:
    """Probabilities [n] of all rows, from raw values whose user ids are hashed already."""
    return score_values(scorer, rows.values)


def score_values(scorer: ClientScorer, values: RawValues) -> Scores:
    """The same of raw values [n] alone."""
    return np.concatenate([scorer.score(part, hashed=True) for part in _in_bulk(values)])


def score_tasks(scorer: ClientScorer, rows: HeldOutRows) -> dict[str, Scores]:
    """Probabilities [n] of every further task by name, as `score_all` gives the label's.

    Empty where the rows know no further task.
    """
    if not rows.tasks:
        return {}
    parts = [scorer.score_tasks(columns, hashed=True) for columns in _in_bulk(rows.values)]
    return {task: np.concatenate([part[task] for part in parts]) for task in rows.tasks}


def request(rows: HeldOutRows, start: int, batch: int) -> dict[str, object]:
    """One user's request to rank `batch` items: what the user shares is given once.

    User and context are those of row `start`, the items those of the rows from there on (after
    the last comes the first), as plain Python values [batch] or, where shared, one value.
    """
    columns = rows.values.take((np.arange(batch) + start) % len(rows)).to_pydict()
    asked: dict[str, object] = {}
    for name, values in columns.items():
        shared = [values[0]] if isinstance(values[0], list) else values[0]  # of lists one row
        asked[name] = values if name in rows.item_fields else shared
    return asked


def _codes(values: pa.Array | pa.ChunkedArray) -> Codes:
    """Number the values [n]; a missing one has a number of its own."""
    whole = values
    if isinstance(values, pa.ChunkedArray):
        whole = values.unify_dictionaries().combine_chunks()
    if not pa.types.is_dictionary(whole.type):
        whole = whole.dictionary_encode()
    return np.asarray(pc.fill_null(whole.indices, -1).to_numpy(), np.int64)


def _in_bulk(values: RawValues) -> Iterator[RawColumns]:
    for part in values.blocks(BULK):
        yield {name: part[name].to_numpy() for name in part.column_names}

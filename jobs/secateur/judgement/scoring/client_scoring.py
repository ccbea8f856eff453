"""Rows that no model was trained on, scored through the client that will serve the package.

A `ClientScorer` is what `secateur.serving.scorer.load` returns; only its calls are known here.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import DTypeLike, NDArray

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
from secateur.judgement.metrics.scratch import ROWS_AT_ONCE, row_slices, scratch
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
    further tasks by name, NaN where a row does not tell. What rows fill lies in files or `scratch`.
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

    Texts are codes, with a dictionary beside them. While those of one column are numbered they take
    8 bytes a row of memory.
    """
    files = sorted(folder.glob("*.parquet"))
    counts = {"user": USER_TRAIN_EVENTS, "item": ITEM_TRAIN_EVENTS}
    (users, hashes), (items, _), (days, names) = (
        _read_texts(files, column) for column in (USER_HASH, ITEM_KEY, "day")
    )
    missing = users < 0 if users.min(initial=0) < 0 else None
    return HeldOutRows(
        labels=_read_numbers(files, "label", np.int8),
        users=users,
        items=items,
        days=days,
        hashes=pa.DictionaryArray.from_arrays(pa.array(users, mask=missing), hashes),
        train_events={
            owner: _read_numbers(files, column, np.int32) for owner, column in counts.items()
        },
        values=StoredValues(files, {f.name: VALUE_PREFIX + f.name for f in schema.inputs}),
        item_fields=frozenset(f.name for f in schema.inputs if f.owner == "item"),
        slices={
            name: _read_numbers(files, column, np.bool_)
            for name, column in zip(schema.slices, schema.slice_columns, strict=True)
        },
        tasks={
            name: _read_numbers(files, column, np.float32)
            for name, column in zip(schema.tasks, schema.task_columns, strict=True)
        },
        last_day=str(max(filter(None, names.to_pylist()), default="")),
    )


def score_all(scorer: ClientScorer, rows: HeldOutRows) -> Scores:
    """Probabilities [n] of all rows, from raw values whose user ids are hashed already."""
    found, start = scratch(len(rows), np.float32), 0
    for columns in _in_bulk(rows.values):
        scores = scorer.score(columns, hashed=True)
        found[start : start + len(scores)] = scores
        start += len(scores)
    return found


def score_values(scorer: ClientScorer, values: RawValues) -> Scores:
    """The same of raw values [n] alone, all in memory."""
    return np.concatenate([scorer.score(part, hashed=True) for part in _in_bulk(values)])


def count_broken(scores: Scores) -> int:
    """How many of scores [n] are no probability: no number, or none from 0 to 1."""
    parts = (scores[part] for part in row_slices(len(scores)))
    return sum(int(np.sum(~((part >= 0) & (part <= 1)))) for part in parts)


def score_tasks(scorer: ClientScorer, rows: HeldOutRows) -> dict[str, Scores]:
    """Probabilities [n] of every further task by name, as `score_all` gives the label's.

    Empty where the rows know no further task.
    """
    found, start = {task: scratch(len(rows), np.float32) for task in rows.tasks}, 0
    for columns in _in_bulk(rows.values) if found else ():
        by_task = scorer.score_tasks(columns, hashed=True)
        for task, into in found.items():
            into[start : start + len(by_task[task])] = by_task[task]
        start += len(by_task[next(iter(found))])
    return found


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


def _read_texts(files: Sequence[Path], column: str) -> tuple[Codes, pa.Array]:
    """Numbers [n] of a column's values, -1 for a missing one, and the values by number."""
    read: list[pa.DictionaryArray] = []
    for file in files:
        with pq.ParquetFile(file, read_dictionary=[column]) as parquet:
            read += parquet.read([column], use_threads=False)[column].chunks
    kind = pa.dictionary(pa.int32(), pa.string())
    values = pa.chunked_array(read, kind).unify_dictionaries()
    codes, start = scratch(len(values), np.int32), 0
    for chunk in values.chunks:
        codes[start : start + len(chunk)] = pc.fill_null(chunk.indices, -1)
        start += len(chunk)
    return codes, values.chunk(0).dictionary if read else pa.array([], pa.string())


def _read_numbers(files: Sequence[Path], column: str, dtype: DTypeLike) -> NDArray[Any]:
    """A column [n]; NaN where a number is missing."""
    found, start = scratch(sum(pq.read_metadata(file).num_rows for file in files), dtype), 0
    for file in files:
        with pq.ParquetFile(file) as parquet:
            for batch in parquet.iter_batches(ROWS_AT_ONCE, columns=[column]):
                found[start : start + len(batch)] = batch[column].to_numpy(zero_copy_only=False)
                start += len(batch)
    return found


def _in_bulk(values: RawValues) -> Iterator[RawColumns]:
    for part in values.blocks(BULK):
        yield {name: part[name].to_numpy() for name in part.column_names}

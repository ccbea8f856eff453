"""Events to ids, on Arrow batches: what Spark maps over its partitions.

The id of a category is its place in the vocabulary, the last id where unknown or missing. The id
of a number is how many boundaries are <= it, the last id where missing.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from secateur.contracts.features import VALUE_PREFIX, BucketField, CategoryField
from secateur.features.counting import Counts, number_of


@dataclass(frozen=True)
class Encoder:
    """Encodes batches of events by one schema's fields; sent to Spark's workers as it is.

    `known` holds the vocabularies by field; `users` and `items` all train rows by value. With
    `held_out`, the raw values and the train rows of user and item are kept beside the ids.
    """

    fields: tuple[CategoryField | BucketField, ...]
    known: Mapping[str, pa.Array]
    user: str
    item: str
    users: Counts
    items: Counts
    held_out: bool

    def batches(self, events: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Encode batch by batch, in order."""
        return map(self.batch, events)

    def batch(self, events: pa.RecordBatch) -> pa.RecordBatch:
        """Encode one batch of event columns into the columns of a split."""
        columns = {f.name: self._ids(f, events[f.name]) for f in self.fields}
        columns["label"] = events["label"].cast(pa.int8())
        columns["user"] = events[self.user]
        columns |= {name: events[name] for name in ("day", "time_ms")}
        if self.held_out:
            columns |= {VALUE_PREFIX + f.name: _value(f, events[f.name]) for f in self.fields}
            columns["user_train_events"] = _train_rows(self.users, events[self.user])
            columns["item_train_events"] = _train_rows(self.items, events[self.item])
        return pa.RecordBatch.from_pydict(columns)

    @property
    def event_columns(self) -> tuple[str, ...]:
        """The event columns that `batch` reads."""
        names = (f.name for f in self.fields)
        return tuple(dict.fromkeys((*names, self.user, self.item, "label", "day", "time_ms")))

    @property
    def spark_schema(self) -> str:
        """The columns of `batch`, as Spark's DDL."""
        columns = [f"`{f.name}` int" for f in self.fields]
        columns += ["label tinyint", "user string", "day string", "time_ms bigint"]
        if self.held_out:
            columns += [f"`{VALUE_PREFIX}{f.name}` {_value_type(f)}" for f in self.fields]
            columns += ["user_train_events int", "item_train_events int"]
        return ", ".join(columns)

    def _ids(self, field: CategoryField | BucketField, values: pa.Array) -> pa.Array:
        if isinstance(field, BucketField):
            return pa.array(bucket_ids(field, numbers(values)))
        found = pc.index_in(values, value_set=self.known[field.name])
        return found.fill_null(field.oov).cast(pa.int32())


def bucket_ids(field: BucketField, values: np.ndarray) -> np.ndarray:
    """Ids (int32) of numbers (float64, NaN = missing)."""
    found = np.searchsorted(np.asarray(field.boundaries), values, side="right")
    ids: np.ndarray = found.astype(np.int32)
    ids[np.isnan(values)] = field.oov
    return ids


def numbers(texts: pa.Array) -> np.ndarray:
    """The numbers (float64) that texts spell, NaN where they spell none; each text parsed once."""
    spelled = texts.dictionary_encode()
    parsed = np.array([number_of(text) for text in spelled.dictionary.to_pylist()] + [np.nan])
    indices = spelled.indices.fill_null(len(parsed) - 1).to_numpy()
    found: np.ndarray = parsed[indices]
    return found


def _value_type(field: CategoryField | BucketField) -> str:
    return "string" if isinstance(field, CategoryField) else "double"


def _value(field: CategoryField | BucketField, texts: pa.Array) -> pa.Array:
    if isinstance(field, CategoryField):
        return texts
    return pa.array(numbers(texts), from_pandas=True)  # NaN becomes null


def _train_rows(counts: Counts, values: pa.Array) -> pa.Array:
    found = pc.index_in(values, value_set=counts.values)
    return counts.rows.take(found).fill_null(0).cast(pa.int32())

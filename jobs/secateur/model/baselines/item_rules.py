"""Rules of thumb that score an event by its item: popularity, rate, recency, place in the list."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from secateur.artifacts import Artifact
from secateur.auc import Scores
from secateur.contracts.features import VALUE_PREFIX, CategoryField
from secateur.encoding.numbers import numbers_in
from secateur.model.data.batches import part_files

PRIOR_EVENTS = 20  # that the mean rate weighs as much as

NEVER = np.finfo(np.float32).min  # finite, so that two of them are a tie

Counts = NDArray[np.int64]


@dataclass(frozen=True)
class ItemHistory:
    """What the train days knew of each id [size]: events, positives, and the last positive's ms.

    The last id stands for all items that are not in the vocabulary. `last` is -1 without one.
    """

    events: Counts
    positives: Counts
    last: Counts


@dataclass(frozen=True)
class ItemRows:
    """Rows [n] of held-out days: ids and raw values of the item, labels, milliseconds."""

    ids: NDArray[np.int64]
    codes: Counts
    labels: NDArray[np.int8]
    time_ms: Counts


def read_history(features: Artifact, item: CategoryField) -> ItemHistory:
    """Count the items of the train days, a part at a time."""
    events = np.zeros(item.size, np.int64)
    positives, last = events.copy(), np.full(item.size, -1, np.int64)
    for table in _parts(features, "train", [item.name, "label", "time_ms"]):
        ids, labels = table[item.name].to_numpy(), table["label"].to_numpy()
        liked = labels == 1
        events += np.bincount(ids, minlength=item.size)
        positives += np.bincount(ids[liked], minlength=item.size)
        np.maximum.at(last, ids[liked], table["time_ms"].to_numpy()[liked])
    return ItemHistory(events, positives, last)


def read_item_rows(features: Artifact, split: str, item: CategoryField) -> ItemRows:
    """The rows of a split in the order of its files."""
    value = VALUE_PREFIX + item.name
    columns = [item.name, value, "label", "time_ms"]
    table = pa.concat_tables(list(_parts(features, split, columns)))
    codes = table[value].combine_chunks().dictionary_encode().indices.fill_null(-1)
    return ItemRows(
        table[item.name].to_numpy().astype(np.int64),
        codes.to_numpy().astype(np.int64),
        table["label"].to_numpy(),
        table["time_ms"].to_numpy(),
    )


def popularity(known: ItemHistory, rows: ItemRows) -> Scores:
    """Positives of the item on the train days, float32 [n]; 0 for an item without its own id."""
    counts = known.positives.copy()
    counts[-1] = 0
    return counts[rows.ids].astype(np.float32)


def item_rate(known: ItemHistory, rows: ItemRows) -> Scores:
    """Share of positives among the item's train events, drawn to the mean, float32 [n]."""
    mean = known.positives.sum() / max(known.events.sum(), 1)
    rates = (known.positives + PRIOR_EVENTS * mean) / (known.events + PRIOR_EVENTS)
    return np.asarray(rates[rows.ids], np.float32)


def recency(known: ItemHistory, rows: ItemRows) -> Scores:
    """Minus the seconds since the item's last positive before the event, float32 [n].

    Those of the held-out days count too, where they are earlier than the event. An item that had
    none comes last.
    """
    trained = known.last.copy()
    trained[-1] = -1
    latest = np.maximum(trained[rows.ids], _last_positive(rows))
    return np.where(latest < 0, NEVER, (latest - rows.time_ms) / 1000).astype(np.float32)


def list_order(features: Artifact, split: str, position: str) -> Scores:
    """Minus the item's place in the list that was shown, float32 [n]; missing comes last."""
    name = VALUE_PREFIX + position
    table = pa.concat_tables(list(_parts(features, split, [name])))
    places = numbers_in("" if v is None else str(v) for v in table[name].to_pylist())
    return np.where(np.isnan(places), NEVER, -places).astype(np.float32)


def _last_positive(rows: ItemRows) -> Counts:
    """The time of the item's last positive strictly before each row [n], -1 where there is none."""
    start, span = rows.time_ms.min(), np.ptp(rows.time_ms) + 1
    key = rows.codes * span + (rows.time_ms - start)  # by item, then time
    liked = np.sort(key[rows.labels == 1])
    before = np.searchsorted(liked, key) - 1
    found = liked[np.maximum(before, 0)] if len(liked) else np.full(len(key), -1)
    same = (before >= 0) & (found // span == rows.codes) & (rows.codes >= 0)
    return np.where(same, found % span + start, -1)


def _parts(features: Artifact, split: str, columns: list[str]) -> Iterator[pa.Table]:
    for path in part_files(features, split):
        yield pq.read_table(path, columns=columns, partitioning=None)

"""Rules of thumb that score an event by its item: popularity, rate, recency, place in the list."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from secateur.artifacts import Artifact
from secateur.auc import Scores
from secateur.contracts.features import ITEM_KEY, VALUE_PREFIX
from secateur.encoding.numbers import numbers_in
from secateur.model.data.batches import part_files

PRIOR_EVENTS = 20  # that the mean rate weighs as much as

NEVER = np.finfo(np.float32).min  # finite, so that two of them are a tie

Counts = NDArray[np.int64]


@dataclass(frozen=True)
class ItemHistory:
    """What the train days knew of each of `items` (string [m], distinct): int64 [m + 1] each.

    `events` and `positives` are counts, `last` is the last positive's ms, -1 without one. The last
    place stands for all other items, of which nothing is known.
    """

    items: pa.Array
    events: Counts
    positives: Counts
    last: Counts


@dataclass(frozen=True)
class ItemRows:
    """Rows [n] of held-out days: the item's place in the history, its code, labels, milliseconds.

    A place is -1 for an item that the history does not know; codes tell these apart, too.
    """

    places: Counts
    codes: Counts
    labels: NDArray[np.int8]
    time_ms: Counts


def read_history(features: Artifact) -> ItemHistory:
    """Count the items of the train days, a part at a time."""
    parts = list(map(_item_counts, _parts(features, "train", [ITEM_KEY, "label", "time_ms"])))
    sums = [("events", "sum"), ("positives", "sum"), ("last", "max")]
    whole = pa.concat_tables(parts).group_by(ITEM_KEY).aggregate(sums).combine_chunks()
    counts = [whole[f"{name}_{how}"].to_numpy() for name, how in sums]
    of_others = map(np.append, counts, (0, 0, -1))
    return ItemHistory(whole[ITEM_KEY].combine_chunks(), *of_others)


def _item_counts(rows: pa.Table) -> pa.Table:
    """The items of rows [n] with their `events` and `positives` and the `last` positive's ms."""
    liked = pc.equal(rows["label"], 1)
    told = pa.table(
        {
            ITEM_KEY: rows[ITEM_KEY],
            "positives": liked.cast(pa.int64()),
            "last": pc.if_else(liked, rows["time_ms"], -1),
        }
    )
    sums = told.group_by(ITEM_KEY).aggregate(
        [([], "count_all"), ("positives", "sum"), ("last", "max")]
    )
    return sums.select([ITEM_KEY, "count_all", "positives_sum", "last_max"]).rename_columns(
        [ITEM_KEY, "events", "positives", "last"]
    )


def read_item_rows(features: Artifact, split: str, known: ItemHistory) -> ItemRows:
    """The rows of a split in the order of its files."""
    table = pa.concat_tables(list(_parts(features, split, [ITEM_KEY, "label", "time_ms"])))
    items = table[ITEM_KEY].combine_chunks()
    places = pc.fill_null(pc.index_in(items, value_set=known.items), -1)
    return ItemRows(
        places.to_numpy().astype(np.int64),
        items.dictionary_encode().indices.to_numpy().astype(np.int64),
        table["label"].to_numpy(),
        table["time_ms"].to_numpy(),
    )


def popularity(known: ItemHistory, rows: ItemRows) -> Scores:
    """Positives of the item on the train days, float32 [n]."""
    return known.positives[rows.places].astype(np.float32)


def item_rate(known: ItemHistory, rows: ItemRows) -> Scores:
    """Share of positives among the item's train events, drawn to the mean, float32 [n]."""
    mean = known.positives.sum() / max(known.events.sum(), 1)
    rates = (known.positives + PRIOR_EVENTS * mean) / (known.events + PRIOR_EVENTS)
    return np.asarray(rates[rows.places], np.float32)


def recency(known: ItemHistory, rows: ItemRows) -> Scores:
    """Minus the seconds since the item's last positive before the event, float32 [n].

    Those of the held-out days count too, where they are earlier than the event. An item that had
    none comes last.
    """
    latest = np.maximum(known.last[rows.places], _last_positive(rows))
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
    same = (before >= 0) & (found // span == rows.codes)
    return np.where(same, found % span + start, -1)


def _parts(features: Artifact, split: str, columns: list[str]) -> Iterator[pa.Table]:
    for path in part_files(features, split):
        yield pq.read_table(path, columns=columns, partitioning=None)

"""The best that a model can know of drawn rows, where the readers' tastes are planted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bench.data.news_world import HOUR_MS, Floats, Ints, World
from secateur import identity
from secateur.artifacts import Artifact
from secateur.auc import auc
from secateur.contracts.artifact_files import DAY_FOLDER, EVENTS
from secateur.contracts.data import HISTORY_ONLY
from secateur.scenario import Negatives

_FIRST = 10_000  # the number in the first article's name


def best_auc(
    events: Artifact, days: Sequence[str], rule: Negatives, world: World, key: bytes
) -> float:
    """AUC on the rows of `days` of the log of their odds, which no other score can beat.

    The odds of a row (u, i, t) are the chance that a click of u at t is on i, a softmax of the
    planted logits of what lived and u had not read, over the chance that a draw is. `events` are
    the world's clicks, drawn from by the event under `rule`, of 48 hours at most; `key` hashed the
    readers.
    """
    table = _read(events)
    articles = _numbers(table["news"])
    times, labels = table["time_ms"].to_numpy(), table["label"].to_numpy()
    hashes = {identity.hash_id(key, f"r{n}"): n for n in range(world.readers)}
    readers = np.array([hashes[user] for user in table["user_id"].to_pylist()])
    clicked = labels == 1
    clicks = Clicks.of(readers[clicked], articles[clicked], times[clicked], rule)
    asked = np.isin(table["day"].to_pylist(), days) & table[HISTORY_ONLY].is_null().to_numpy()
    rows, odds = np.flatnonzero(asked), np.empty(len(labels))
    rows = rows[np.lexsort((times[rows], readers[rows]))]
    moments = np.diff(readers[rows]) | np.diff(times[rows])
    for event in np.split(rows, np.flatnonzero(moments) + 1):
        reader, ms = int(readers[event[0]]), int(times[event[0]])
        odds[event] = log_odds(world, clicks, reader, articles[event], ms)
    return auc(labels[rows].astype(np.int8), odds[rows].astype(np.float32)) or 0.0


def log_odds(world: World, clicks: "Clicks", reader: int, articles: Ints, ms: int) -> Floats:
    """The log of the odds [n] that rows of these articles [n] are clicks, but for their number.

    A reader clicks and is offered no article that it has read.
    """
    read = clicks.read(reader, ms)
    live = np.setdiff1d(world.articles.live(ms), read)
    logits = np.full(len(world.articles.born), -np.inf)
    logits[live] = world.logits(reader, live, ms)
    of_click: Floats = logits[articles] - np.log(np.exp(logits[live]).sum())
    return of_click - clicks.log_chances(articles, ms, read)


@dataclass(frozen=True)
class Clicks:
    """Who clicked what and when (int64 [n] each), by time; how negatives are drawn from them."""

    readers: Ints
    articles: Ints
    times: Ints
    rule: Negatives

    @classmethod
    def of(cls, readers: Ints, articles: Ints, times: Ints, rule: Negatives) -> "Clicks":
        """From clicks [n] in any order."""
        order = np.argsort(times, kind="stable")
        return cls(readers[order], articles[order], times[order], rule)

    @cached_property
    def by_reader(self) -> Mapping[int, tuple[Ints, Ints]]:
        """The times and articles of each reader's clicks."""
        each = ((reader, self.readers == reader) for reader in np.unique(self.readers).tolist())
        return {reader: (self.times[own], self.articles[own]) for reader, own in each}

    def read(self, reader: int, ms: int) -> Ints:
        """What the reader clicked before a moment."""
        times, articles = self.by_reader[reader]
        return articles[times < ms]

    def log_chances(self, articles: Ints, ms: int, read: Ints) -> Floats:
        """The logs of the chances [n] that a draw at a moment is each of these articles [n].

        They were clicked in the look-back; a draw is none of those `read`.
        """
        since = ms // HOUR_MS * HOUR_MS - self.rule.live_hours * HOUR_MS
        first, end = np.searchsorted(self.times, [since, ms])
        counts = np.bincount(self.articles[first:end], minlength=self.articles.max() + 1)
        weights = np.where(counts > 0, np.maximum(counts, 1) ** self.rule.power, 0.0)
        own = weights[articles]
        weights[read] = 0
        found: Floats = np.log(own / weights.sum())
        return found


def _numbers(names: pa.ChunkedArray) -> Ints:
    return np.array([int(name[1:]) - _FIRST for name in names.to_pylist()])


def _read(events: Artifact) -> pa.Table:
    files = sorted(events.folder.glob(f"{EVENTS}/{DAY_FOLDER}*/*.parquet"))
    names = ["user_id", "news", "time_ms", "label", "day", HISTORY_ONLY]
    return pa.concat_tables(pq.ParquetFile(file).read(names) for file in files)

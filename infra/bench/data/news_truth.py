"""The best that a model can know of drawn rows, where the readers' tastes are planted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bench.data.news_world import HOUR_MS, Ints, World
from secateur import identity
from secateur.artifacts import Artifact
from secateur.auc import auc
from secateur.contracts.artifact_files import DAY_FOLDER, EVENTS
from secateur.contracts.data import HISTORY_ONLY
from secateur.scenario import Negatives

_FIRST = 10_000  # the number in the first article's name
_SPAN = 1 << 42  # above every millisecond


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
    rows = np.isin(table["day"].to_pylist(), days) & table[HISTORY_ONLY].is_null().to_numpy()
    clicked = labels == 1
    clicks = Clicks(readers[clicked], articles[clicked], times[clicked], rule)
    asked = zip(*(column[rows].tolist() for column in (readers, articles, times)), strict=True)
    odds = [log_odds(world, clicks, *one) for one in asked]
    return auc(labels[rows].astype(np.int8), np.array(odds, np.float32)) or 0.0


def log_odds(world: World, clicks: "Clicks", reader: int, article: int, ms: int) -> float:
    """The log of the odds that a row is a click and no draw, but for their number.

    A reader clicks and is offered no article that it has read.
    """
    read = clicks.read(reader, ms)
    live = np.setdiff1d(world.articles.live(ms), read)
    if article not in live:
        return -np.inf
    logits = world.logits(reader, live, ms)
    of_click = logits[live == article][0] - np.log(np.exp(logits).sum())
    return float(of_click - clicks.log_chance(article, ms, read))


@dataclass(frozen=True)
class Clicks:
    """Who clicked what and when (int64 [n] each), and the rule by which negatives are drawn."""

    readers: Ints
    articles: Ints
    times: Ints
    rule: Negatives

    @cached_property
    def keys(self) -> Ints:
        """Article * `_SPAN` + millisecond of each click [n], rising."""
        return np.sort(self.articles * _SPAN + self.times)

    @cached_property
    def clicked_articles(self) -> Ints:
        """Every article that was clicked."""
        return np.unique(self.articles)

    @cached_property
    def by_reader(self) -> Mapping[int, tuple[Ints, Ints]]:
        """The times and articles of each reader's clicks."""
        each = ((reader, self.readers == reader) for reader in np.unique(self.readers).tolist())
        return {reader: (self.times[own], self.articles[own]) for reader, own in each}

    def read(self, reader: int, ms: int) -> Ints:
        """What the reader clicked before a moment."""
        times, articles = self.by_reader[reader]
        return articles[times < ms]

    def log_chance(self, article: int, ms: int, read: Ints) -> float:
        """The log of the chance that a draw at a moment is this article, and none of those read."""
        since = ms // HOUR_MS * HOUR_MS - self.rule.live_hours * HOUR_MS
        starts, ends = self.clicked_articles * _SPAN + since, self.clicked_articles * _SPAN + ms
        counts = np.searchsorted(self.keys, ends) - np.searchsorted(self.keys, starts)
        weights = np.where(counts > 0, np.maximum(counts, 1) ** self.rule.power, 0.0)
        own = weights[np.searchsorted(self.clicked_articles, article)]
        return float(np.log(own / weights[~np.isin(self.clicked_articles, read)].sum()))


def _numbers(names: pa.ChunkedArray) -> Ints:
    return np.array([int(name[1:]) - _FIRST for name in names.to_pylist()])


def _read(events: Artifact) -> pa.Table:
    files = sorted(events.folder.glob(f"{EVENTS}/{DAY_FOLDER}*/*.parquet"))
    names = ["user_id", "news", "time_ms", "label", "day", HISTORY_ONLY]
    return pa.concat_tables(pq.ParquetFile(file).read(names) for file in files)

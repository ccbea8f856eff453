"""The best that a model can know of drawn rows, where the readers' tastes are planted."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bench.data.news_world import HOUR_MS, LIFE_HOURS, Ints, World
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
    planted logits of what was live, over the chance that a draw at t is. `events` are those of the
    world's clicks, drawn from by the event under `rule`, of 48 hours at most; `key` hashed the
    readers.
    """
    table = _read(events)
    articles = _numbers(table["news"])
    times, labels = table["time_ms"].to_numpy(), table["label"].to_numpy()
    rows = np.isin(table["day"].to_pylist(), days) & table[HISTORY_ONLY].is_null().to_numpy()
    hashes = {identity.hash_id(key, f"r{n}"): n for n in range(world.readers)}
    readers = [hashes[user] for user in table.filter(pa.array(rows))["user_id"].to_pylist()]
    clicks = Clicks.of(articles[labels == 1], times[labels == 1], rule)
    asked = zip(readers, articles[rows].tolist(), times[rows].tolist(), strict=True)
    odds = [
        log_chance(world, reader, article, ms) - clicks.log_chance(article, ms)
        for reader, article, ms in asked
    ]
    return auc(labels[rows].astype(np.int8), np.array(odds, np.float32)) or 0.0


def log_chance(world: World, reader: int, article: int, ms: int) -> float:
    """The log of the chance that a reader's click at a moment is on this article."""
    live = world.articles.live(ms)
    logits = world.logits(reader, live, ms)
    own = world.logits(reader, np.array([article]), ms)[0]
    dead = ms - world.articles.born[article] >= LIFE_HOURS * HOUR_MS
    return -np.inf if dead else float(own - np.log(np.exp(logits).sum()))


@dataclass(frozen=True)
class Clicks:
    """Clicks by article and time (int64 [n], rising: article * `_SPAN` + millisecond)."""

    keys: Ints
    articles: Ints
    rule: Negatives

    @classmethod
    def of(cls, articles: Ints, times: Ints, rule: Negatives) -> "Clicks":
        """Of the clicked `articles` [n] and their milliseconds [n]."""
        return cls(np.sort(articles * _SPAN + times), np.unique(articles), rule)

    def log_chance(self, article: int, ms: int) -> float:
        """The log of the chance that a draw at a moment is this article."""
        since = ms // HOUR_MS * HOUR_MS - self.rule.live_hours * HOUR_MS
        starts, ends = self.articles * _SPAN + since, self.articles * _SPAN + ms
        counts = np.searchsorted(self.keys, ends) - np.searchsorted(self.keys, starts)
        weights = np.where(counts > 0, np.maximum(counts, 1) ** self.rule.power, 0.0)
        own = weights[np.searchsorted(self.articles, article)]
        return float(np.log(own / weights.sum()))


def _numbers(names: pa.ChunkedArray) -> Ints:
    return np.array([int(name[1:]) - _FIRST for name in names.to_pylist()])


def _read(events: Artifact) -> pa.Table:
    files = sorted(events.folder.glob(f"{EVENTS}/{DAY_FOLDER}*/*.parquet"))
    names = ["user_id", "news", "time_ms", "label", "day", HISTORY_ONLY]
    return pa.concat_tables(pq.ParquetFile(file).read(names) for file in files)

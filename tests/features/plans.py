"""Build a rich log's features in this process, keeping what the verb would only write."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from pyspark.sql import DataFrame, SparkSession
from rich_log import SPLITS

from secateur.artifacts import Artifact
from secateur.features.building import Plan, encode, known_before
from secateur.features.joining import EventWindow
from secateur.features.learning import Learned, learn, totals
from secateur.features.schema import Heading
from secateur.features.state import DailyCounts, DayStore, daily_counts
from secateur.scenario import Scenario


@dataclass(frozen=True)
class Built:
    """The plan of a log, with its daily counts and all that is known before its events."""

    plan: Plan
    counts: DailyCounts
    known: DataFrame

    def learn(self, folder: Path) -> Learned:
        """Learn from the train days."""
        folder.mkdir(parents=True, exist_ok=True)
        train = self.plan.days("train")
        of_train = self.known.where(self.known["day"].isin(train))
        heading = Heading("rich", "liked", "ab" * 8)
        return learn(self.counts.of(train), of_train, self.plan.features, heading, folder)

    def rows(self, learned: Learned, *splits: str) -> pd.DataFrame:
        """The rows of these splits as held-out ones, with their raw values, in one order."""
        train = totals(self.counts.of(self.plan.days("train")))
        frame = encode(self.plan, learned, self.known, train, *splits).toPandas()
        order = ["time_ms", "user", "day", "value_item", "value_shelf"]
        keys = frame[order].astype(str).assign(rest=frame["label"])
        return frame.loc[keys.sort_values([*order, "rest"]).index].reset_index(drop=True)


@contextmanager
def built(
    spark: SparkSession,
    events: Artifact,
    settings: Scenario,
    state: Path,
    splits: Mapping[str, Sequence[str]] = SPLITS,
) -> Iterator[Built]:
    """Count the events, and say what was known before each."""
    logs, features = settings.logs, settings.features
    window = EventWindow.open(spark, events.folder, logs)
    plan = Plan(window, splits, features)
    store = DayStore(str(state), events, features, logs)
    with daily_counts(window, store) as counts, known_before(plan, counts) as known:
        assert known is not None
        yield Built(plan, counts, known)

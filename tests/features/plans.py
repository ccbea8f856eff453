"""Build a rich log's features in this process, keeping what the verb would only write."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import SparkSession
from rich_log import SPLITS

from secateur.artifacts import Artifact
from secateur.contracts.features import FeatureSchema
from secateur.features.building import Known, Plan, know_before, sources_of
from secateur.features.days.arrow_days import on_days
from secateur.features.days.event_window import EventWindow
from secateur.features.history.kept_counts import count_days, daily_counts
from secateur.features.learning import learn, read_vocabulary
from secateur.features.schema import Heading
from secateur.features.split import Splits
from secateur.features.split_rows import EncodeDay
from secateur.scenario import Scenario


@dataclass(frozen=True)
class Learned:
    """A schema with its vocabularies."""

    schema: FeatureSchema
    file: Path
    known: Mapping[str, pa.Array]


@dataclass(frozen=True)
class Built:
    """The plan of a log, with all that is known before its events."""

    plan: Plan
    known: Known
    scratch: Path

    def learn(self, folder: Path) -> Learned:
        """Learn from the train days."""
        folder.mkdir(parents=True, exist_ok=True)
        file, heading = (
            folder / "vocabulary.parquet",
            Heading("rich", "liked", "ab" * 8, ("saved",)),
        )
        features, known = self.plan.features, self.known
        schema = learn(known.sums.totals, known.samples, features, heading, file)
        return Learned(schema, file, read_vocabulary(file, features))

    def rows(self, learned: Learned, *splits: str) -> pd.DataFrame:
        """The rows of these splits as held-out ones, with their raw values, in one order."""
        sources = sources_of(self.plan, self.known, self.scratch / "rows")
        encode = EncodeDay(sources, learned.schema, learned.file)
        on_days(self.plan.window.spark, self.plan.work(), encode)
        targets = (sources.targets[day] for day in self.plan.days(*splits))
        files = [of_day[split] for of_day in targets for split in splits if split in of_day]
        frame = pa.concat_tables(pq.ParquetFile(file).read() for file in files).to_pandas()
        order = ["time_ms", "user_hash", "day", "value_item", "value_shelf"]
        keys = frame[order].astype(str).assign(rest=frame["label"])
        return frame.loc[keys.sort_values([*order, "rest"]).index].reset_index(drop=True)


@contextmanager
def built(
    spark: SparkSession,
    events: Artifact,
    settings: Scenario,
    state: Path,
    splits: Mapping[str, Sequence[str]] = SPLITS,
    starts: tuple[int, int] | None = None,
) -> Iterator[Built]:
    """Count the events, and say what was known before each; every day is held out."""
    logs, features = settings.logs, settings.features
    window = EventWindow.open(spark, events.folder, logs, features)
    plan = Plan(window, Splits(splits, starts), features, held_out=tuple(splits))
    kept = count_days(str(state), events, features, logs)
    with daily_counts(window, features, kept) as counts, tempfile.TemporaryDirectory() as scratch:
        yield Built(plan, know_before(plan, counts, Path(scratch)), Path(scratch))

"""Events of chosen days with their side tables, each row with a key that any branch can join by."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from secateur.contracts.artifact_files import (
    DAY_FOLDER,
    EVENTS,
    SIDES,
    VERSION_BOUNDS,
    VERSION_FROM,
)
from secateur.contracts.features import TimePart
from secateur.features.days.arrow_days import Day, JoinedTable
from secateur.scenario import Features, Logs
from secateur.scenario.raw_log.column_names import INTERNAL
from secateur.spark import join_sides, read_parquet

ROW = f"{INTERNAL}row"  # with `day`: names one event
_PART_BITS = 40  # rows of a part number below it


@dataclass(frozen=True)
class EventWindow:
    """An EventSet's events: its files by day, and the log they came from."""

    spark: SparkSession
    folder: Path
    files: Mapping[str, Sequence[Path]]
    logs: Logs
    times: Mapping[str, TimePart] = field(default_factory=dict)

    @classmethod
    def open(
        cls, spark: SparkSession, folder: Path, logs: Logs, features: Features
    ) -> "EventWindow":
        """The files below an EventSet's folder, by rising day."""
        days: dict[str, list[Path]] = {}
        for file in sorted(folder.glob(f"{EVENTS}/{DAY_FOLDER}*/part-*.parquet")):
            days.setdefault(file.parent.name.removeprefix(DAY_FOLDER), []).append(file)
        return cls(spark, folder, days, logs, features.times)

    @property
    def days(self) -> tuple[str, ...]:
        """The days with events."""
        return tuple(self.files)

    @property
    def columns(self) -> list[str]:
        """The columns of the events, side tables joined."""
        return [*self.own_schema.names, *(name for side in self.sides for name in side.columns)]

    @property
    def own_schema(self) -> pa.Schema:
        """The columns of the events themselves, as their files hold them."""
        first, *_ = self.files.values()
        return pq.read_schema(first[0]).remove_metadata()

    @property
    def size(self) -> int:
        """How many events there are."""
        files = (file for day in self.files.values() for file in day)
        return sum(pq.read_metadata(file).num_rows for file in files)

    def day(self, name: str) -> Day:
        """One day, for a worker to read."""
        return Day(name, tuple(self.files[name]), self.sides, self.times, self.logs.timezone)

    @cached_property
    def sides(self) -> tuple[JoinedTable, ...]:
        """The side tables."""
        found = []
        for side in self.logs.sides:
            files = tuple(sorted(self.folder.glob(f"{SIDES}/{side.name}/part-*.parquet")))
            names = pq.read_schema(files[0]).names
            own = tuple(name for name in names if name not in (side.key, *VERSION_BOUNDS))
            found.append(JoinedTable(side.key, own, files, dated=VERSION_FROM in names))
        return tuple(found)

    def rows(self, days: Sequence[str]) -> DataFrame:
        """The events of these days, side tables joined, with `ROW`: their place in their files.

        The place is the file's part and the row within it. It does not depend on how Spark cuts
        the files, so two branches of a plan agree on it.
        """
        files = [file for day in days for file in self.files[day]]
        events = read_parquet(self.spark, files)
        file = events.metadataColumn("_metadata")  # a log may have a column of this name
        part = F.regexp_extract(file["file_name"], r"part-(\d+)", 1).cast("bigint")
        place = F.shiftleft(part, _PART_BITS) + file["row_index"]
        placed = events.select("*", place.alias(ROW))
        rows = join_sides(placed, self.folder, self.logs.sides)
        for name, part in self.times.items():
            rows = rows.withColumn(name, self._time_part(part))
        return rows

    def _time_part(self, part: TimePart) -> Column:
        """As `encoding.event_time.time_parts`, as text."""
        local = F.from_utc_timestamp(F.timestamp_millis("time_ms"), self.logs.timezone)
        number = F.hour(local) if part == "hour_of_day" else F.weekday(local) + 1
        return number.cast("string")

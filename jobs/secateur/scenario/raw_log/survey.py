"""The whole log, counted by its roles: rows by day, times that cannot be read, users missing."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from statistics import median

from secateur.scenario.raw_log.reading import log_rows
from secateur.scenario.raw_log.times import time_reader
from secateur.scenario.sections.logs import TableFormat
from secateur.scenario.sections.validation import LEAST_SHARE

MOST_ROWS = 2_000_000


@dataclass
class LogSurvey:
    """What was counted; `whole` is false where reading stopped before the log's end."""

    rows: int = 0
    lacking: int = 0  # rows without one of the columns that every event needs
    unreadable: int = 0  # rows whose time is missing or no such time
    by_day: Counter[str] = field(default_factory=Counter)
    whole: bool = True

    @property
    def days(self) -> tuple[str, ...]:
        """The days in order, but for stray ones of far fewer rows than the median day has."""
        least = LEAST_SHARE * median(self.by_day.values()) if self.by_day else 0
        return tuple(sorted(day for day, rows in self.by_day.items() if rows >= least))


@dataclass(frozen=True)
class SurveyedColumns:
    """What is looked at: the time, how it is written, on whose clocks; and what may not be missing.

    Without a `time` only rows are counted.
    """

    time: str | None
    time_format: str
    timezone: str
    needed: tuple[str, ...]


def survey(
    files: Sequence[Path], table: TableFormat, columns: SurveyedColumns, most: int = MOST_ROWS
) -> LogSurvey:
    """Count the rows of the files, `most` at most. Raises UsageError where one cannot be read."""
    found = LogSurvey()
    names = [columns.time or "", *columns.needed]
    read = time_reader(columns.time_format, columns.timezone) if columns.time else None
    for path in files:
        left = most - found.rows
        if left <= 0:
            found.whole = False
            break
        for row in islice(log_rows(path, table, names), left):
            found.rows += 1
            if row is None or None in row[1:]:
                found.lacking += 1
            elif read is not None:
                moment = read(row[0]) if row[0] else None
                if moment is None:
                    found.unreadable += 1
                else:
                    found.by_day[moment.date().isoformat()] += 1
    return found

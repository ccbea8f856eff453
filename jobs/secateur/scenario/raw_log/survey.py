"""The whole log, counted by its roles: rows by day, times that cannot be read, users missing."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from itertools import islice
from pathlib import Path
from statistics import median

from secateur.scenario.raw_log.habits import HabitCounter, LogHabits
from secateur.scenario.raw_log.reading import Row, log_rows
from secateur.scenario.raw_log.times import ReadTime, time_reader
from secateur.scenario.sections.tables import TableFormat
from secateur.scenario.sections.validation import LEAST_SHARE

MOST_ROWS = 2_000_000


@dataclass
class LogSurvey:
    """What was counted; `whole` is false where reading stopped before the log's end."""

    rows: int = 0
    lacking: int = 0  # rows without one of the columns that every event needs
    unreadable: int = 0  # rows whose time is missing or no such time
    by_day: Counter[str] = field(default_factory=Counter)
    # Rows by the day (and hour) of a local time beside an instant, and that instant's quarter hour.
    local: Counter[tuple[str, str | None, datetime]] = field(default_factory=Counter)
    items: int = 0  # that the rows with a time show together
    whole: bool = True
    habits: LogHabits = field(default_factory=LogHabits)
    spans: dict[Path, tuple[datetime, datetime]] = field(default_factory=dict)  # of each file

    @property
    def days(self) -> tuple[str, ...]:
        """The days in order, but for stray ones of far fewer rows than the median day has."""
        least = LEAST_SHARE * median(self.by_day.values()) if self.by_day else 0
        return tuple(sorted(day for day, rows in self.by_day.items() if rows >= least))


@dataclass(frozen=True)
class LocalTime:
    """A column of local dates or times, how it is written, and whether it tells hours."""

    name: str
    time_format: str
    tells_hours: bool

    @cached_property
    def read(self) -> ReadTime | None:
        """What reads its times."""
        return time_reader(self.time_format, "UTC")

    def day_and_hour(self, text: str | None) -> tuple[str, str | None] | None:
        """The day, and the hour, that a text tells."""
        moment = self.read(text) if self.read and text else None
        if moment is None:
            return None
        return moment.date().isoformat(), f"{moment.hour:02d}" if self.tells_hours else None


@dataclass(frozen=True)
class SurveyedColumns:
    """What is looked at: the time, how it is written, on whose clocks; the user, and the item.

    Without a `time` only rows are counted. Where a row shows many items, `separator` stands
    between them and `mark` before what each is marked with.
    """

    time: str | None
    time_format: str
    timezone: str
    user: str
    item: str
    time_year: int | None = None
    separator: str | None = None
    mark: str | None = None
    local: LocalTime | None = None

    @property
    def read(self) -> ReadTime | None:
        """What reads its times, if there are any."""
        if not self.time:
            return None
        return time_reader(self.time_format, self.timezone, self.time_year)

    def items_of(self, value: str) -> Iterator[str]:
        """The items that a row shows."""
        parts = value.split(self.separator) if self.separator else [value]
        yield from (part.rpartition(self.mark)[0] if self.mark else part for part in parts)


def survey(
    files: Sequence[Path], table: TableFormat, columns: SurveyedColumns, most: int = MOST_ROWS
) -> LogSurvey:
    """Count the rows of the files, `most` at most. Raises UsageError where one cannot be read."""
    found, counter, read = LogSurvey(), HabitCounter(), columns.read
    names = [columns.time or "", columns.user, columns.item]
    names += [columns.local.name] if columns.local else []
    for path in files:
        left = most - found.rows
        if left <= 0:
            found.whole = False
            break
        for row in islice(log_rows(path, table, names), left):
            moment = _count(row, columns, read, found, counter)
            if moment is not None:
                first, last = found.spans.get(path, (moment, moment))
                found.spans[path] = min(first, moment), max(last, moment)
    found.habits, found.items = counter.habits(), len(counter.of_items)
    return found


def _count(
    row: Row | None,
    columns: SurveyedColumns,
    read: ReadTime | None,
    found: LogSurvey,
    counter: HabitCounter,
) -> datetime | None:
    """Count one row; gives its moment, where it has all that is needed."""
    found.rows += 1
    moment = read(row[0]) if row and row[0] and read else None
    if moment and row and row[1]:
        counter.add(row[1], columns.items_of(row[2]) if row[2] else (), moment)
    local = columns.local.day_and_hour(row[3]) if columns.local and row and moment else None
    if local and moment:
        quarter = moment.minute // 15 * 15
        found.local[*local, moment.replace(minute=quarter, second=0, microsecond=0)] += 1
    if row is None or row[1] is None or row[2] is None:
        found.lacking += 1
        return None
    if moment is None:
        found.unreadable += read is not None
        return None
    found.by_day[moment.date().isoformat()] += 1
    return moment

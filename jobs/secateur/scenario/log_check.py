"""A scenario held against the rows of its log: times, labels, lists and numbers are all tried."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from math import isfinite
from pathlib import Path

from secateur.encoding.numbers import number_in
from secateur.encoding.spelling import canonical_text
from secateur.scenario.explaining.mistakes import Mistake
from secateur.scenario.raw_log.column_names import raw_name
from secateur.scenario.raw_log.files import told_by_path
from secateur.scenario.raw_log.reading import Row, column_names, log_rows, typed_times
from secateur.scenario.raw_log.times import ReadTime, spelled_time_reader, time_reader
from secateur.scenario.sections.inputs import FieldSpec
from secateur.scenario.sections.logs import (
    ClickedListLabel,
    EventTypeLabel,
    MarkedListLabel,
    OfColumn,
    ThresholdLabel,
    context_of,
)
from secateur.scenario.sections.scenario import Scenario
from secateur.scenario.time_formats import ERA

MOST_ROWS = 2_000_000
_ROWS_OF_FIELDS = 20_000  # of which fields are tried
_MOSTLY = 0.5
_MOST_STRAYED = 0.05  # some rows come late


@dataclass
class LogCounts:
    """What was counted in the rows; `unread` says why times were not tried, "" where they were."""

    rows: int = 0
    malformed: int = 0
    lacking: int = 0
    strayed: int = 0  # rows of another day than their folder or file is named by
    of_no_day: tuple[Path, ...] = ()  # files, of a log whose files have days
    unread: str = ""
    bad_times: Counter[str] = field(default_factory=Counter)
    days: Counter[str] = field(default_factory=Counter)
    labels: Counter[str] = field(default_factory=Counter)  # "positive", "negative", or a fault
    fields: dict[str, Counter[str]] = field(default_factory=dict)

    @property
    def unusable(self) -> int:
        """Rows that would be quarantined, as far as is known here."""
        faulty = sum(n for what, n in self.labels.items() if what.startswith("no "))
        return self.malformed + self.lacking + sum(self.bad_times.values()) + faulty

    def summary(self, files: int) -> str:
        """The counts in one line."""
        span = "no day"
        if self.days:
            span = f"{_many(len(self.days), 'day')} from {min(self.days)} to {max(self.days)}"
        labels = ", ".join(f"{n:,} {what}" for what, n in sorted(self.labels.items()))
        bad = sum(self.bad_times.values())
        parts = [f"{self.rows:,} rows in {_many(files, 'file')}", span]
        parts += [labels] if labels else []
        parts.append(self.unread or f"{bad:,} unreadable times")
        parts.append(f"{self.lacking:,} lack user or item")
        parts += [f"{self.malformed:,} malformed"] if self.malformed else []
        return "the log: " + "; ".join(parts)


def count_log(scenario: Scenario, files: Sequence[Path], most: int = MOST_ROWS) -> LogCounts:
    """Try `most` rows of the files. Raises UsageError where one cannot be read."""
    reader = _RowReader(scenario, {n for file in files for n in column_names(file, scenario.logs)})
    told = {path: told_by_path(path, scenario.logs.file_names)[0] for path in files}
    if scenario.logs.layout != "flat" and any(told.values()):
        reader.counts.of_no_day = tuple(path for path in files if not told[path])
    for path in files:
        reader.begin(path, told[path] if scenario.logs.layout != "flat" else None)
        rows = log_rows(path, scenario.logs, reader.names)
        for row in islice(rows, most - reader.counts.rows):
            reader.count(row)
    return reader.counts


def log_mistakes(scenario: Scenario, found: LogCounts, whole: bool) -> Iterator[Mistake]:
    """What the rows show to be wrong; `whole` where they are the whole log's."""
    budget = scenario.cleaning.quarantine_budget
    bad = sum(found.bad_times.values())
    if not found.rows:
        yield Mistake(("logs", "events"), "no row in the log")
        return
    if bad > budget * found.rows:
        worst = found.bad_times.most_common(1)[0][0]
        message = f"{bad:,} of {found.rows:,} times are not {scenario.logs.time_format!r}"
        yield Mistake(("logs", "time_format"), f"{message}, such as {worst!r}")
    yield from _day_mistakes(scenario, found)
    yield from _label_mistakes(scenario, found)
    by_sql = scenario.cleaning.where is not None or context_of(scenario.label) is not None
    if found.unusable > budget * found.rows and not by_sql:  # SQL is not tried here
        share = found.unusable / found.rows
        message = f"{share:.1%} of {found.rows:,} rows are unusable, of them {found.lacking:,} lack"
        at = ("cleaning", "quarantine_budget")
        yield Mistake(at, f"{message} the user or the item; the budget is {budget:.1%}")
    needed = scenario.features.held_out_hours // 24 + scenario.features.warm_up_days
    needed += scenario.training.holdout_days + 1
    if whole and not found.unread and 0 < len(found.days) < needed:
        message = f"the log has {_many(len(found.days), 'day')}, to split them takes {needed}"
        yield Mistake(("logs", "window_days"), message)
    for number, spec in enumerate(scenario.features.fields):
        for message in _field_faults(spec, found.fields.get(spec.name, Counter())):
            yield Mistake(("features", "fields", number, "name"), message)


def _day_mistakes(scenario: Scenario, found: LogCounts) -> Iterator[Mistake]:
    if found.strayed > max(scenario.cleaning.quarantine_budget, _MOST_STRAYED) * found.rows:
        message = f"{found.strayed:,} of {found.rows:,} rows are of another day than their file: "
        yield Mistake(("logs", "timezone"), f"{message}on whose clocks are the files named?")
    if found.of_no_day:
        message = f"{len(found.of_no_day)} of the files are of no day, such as "
        yield Mistake(("logs", "layout"), message + "/".join(found.of_no_day[0].parts[-2:]))


def _label_mistakes(scenario: Scenario, found: LogCounts) -> Iterator[Mistake]:
    label = scenario.label
    if not isinstance(label, OfColumn):
        return
    at = ("label", "positive" if isinstance(label, EventTypeLabel) else "column")
    if not found.labels["positive"]:
        yield Mistake(at, f"no positive in {found.rows:,} rows")
    elif not found.labels["negative"]:
        yield Mistake(at, f"no negative in {found.rows:,} rows: there is nothing to tell apart")


def _field_faults(spec: FieldSpec, counted: Counter[str]) -> Iterator[str]:
    present = counted["present"]
    if not counted["rows"]:
        return
    if not present:
        yield f"{spec.name!r} has no value in {counted['rows']:,} rows"
    elif spec.kind in ("bucket", "number") and counted["numbers"] < _MOSTLY * present:
        yield f"{present - counted['numbers']:,} of {present:,} values are no number"
    elif spec.kind == "vector" and counted["vectors"] < _MOSTLY * present:
        other = present - counted["vectors"]
        yield f"{other:,} of {present:,} values are no {spec.length} numbers between separators"


class _RowReader:
    """Counts row after row what a scenario makes of it."""

    def __init__(self, scenario: Scenario, raw: set[str]) -> None:
        logs, label = scenario.logs, scenario.label
        self.logs, self.label, self.counts = logs, label, LogCounts()
        self.day: str | None = None  # of the rows to come, where their file tells it
        self.read: ReadTime | None = None
        shows = isinstance(label, MarkedListLabel | ClickedListLabel)
        item = label.column if shows and isinstance(label, OfColumn) else logs.item
        self.fields = [spec for spec in scenario.features.fields if spec.name in raw]
        told = [label.column] if isinstance(label, OfColumn) else []
        told += [label.clicked] if isinstance(label, ClickedListLabel) else []
        fields = [spec.name for spec in self.fields]
        self.names = [logs.time, logs.user, item, *told, *fields]
        self.first_field = len(self.names) - len(fields)
        self.counts.fields = {name: Counter() for name in fields}

    def begin(self, path: Path, day: str | None) -> None:
        """The next rows are of this file, and of this day if it has one."""
        logs, self.day = self.logs, day
        typed = typed_times(path) if logs.format == "parquet" else {}
        name = raw_name(logs.time, typed)
        if name in typed:  # read by its type, whatever the scenario says of texts
            self.read = spelled_time_reader(logs.timezone, is_instant=typed[name])
            return
        self.read = time_reader(logs.time_format, logs.timezone, logs.time_year)
        if self.read is None:
            self.counts.unread = f"times as {logs.time_format!r} were not tried"

    def count(self, row: Row | None) -> None:
        """Count one row, None where it is malformed."""
        self.counts.rows += 1
        if row is None:
            self.counts.malformed += 1
            return
        if row[1] is None or row[2] is None:
            self.counts.lacking += 1
            return
        self._count_time(row[0])
        self._count_label(row[3 : self.first_field])
        if self.counts.rows <= _ROWS_OF_FIELDS:
            for spec, value in zip(self.fields, row[self.first_field :], strict=True):
                _count_field(self.counts.fields[spec.name], spec, value)

    def _count_time(self, text: str | None) -> None:
        if self.read is None:
            return
        moment: datetime | None = self.read(text) if text else None
        if moment is None or not ERA[0].year <= moment.year < ERA[1].year:
            self.counts.bad_times[text or ""] += 1
        else:
            day = moment.date().isoformat()
            self.counts.days[day] += 1
            self.counts.strayed += self.day not in (None, day)

    def _count_label(self, values: Row) -> None:
        labels, label = self.counts.labels, self.label
        if not isinstance(label, OfColumn):
            return
        value = values[0]
        match label:
            case MarkedListLabel():
                for part in (value or "").split(label.separator):
                    labels[_OUTCOMES.get(part.rpartition(label.mark)[2], "no mark")] += 1
            case ClickedListLabel():
                shown = [canonical_text(part) for part in (value or "").split(label.separator)]
                labels["positive"] += values[1] in shown
                labels["negative"] += len(shown) - (values[1] in shown)
            case EventTypeLabel():
                labels[_of_type(label, value)] += 1
            case ThresholdLabel():
                number = number_in(value or "")
                told = "positive" if number >= label.at_least else "negative"
                labels[told if isfinite(number) else "no number as a label"] += 1
            case _:
                labels[_OUTCOMES.get(value or "", "no 0 or 1 as a label")] += 1


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


_OUTCOMES = {"1": "positive", "0": "negative"}


def _of_type(label: EventTypeLabel, value: str | None) -> str:
    if value is None:
        return "no type"
    if value in map(canonical_text, label.positive):
        return "positive"
    known = not label.negative or value in map(canonical_text, label.negative)
    return "negative" if known else "no known type"


def _count_field(counted: Counter[str], spec: FieldSpec, value: str | None) -> None:
    counted["rows"] += 1
    if value is None:
        return
    counted["present"] += 1
    if spec.kind in ("bucket", "number"):
        counted["numbers"] += isfinite(number_in(value))
    elif spec.kind == "vector":
        parts = value.split(spec.separator)
        numbers = sum(isfinite(number_in(part)) for part in parts)
        counted["vectors"] += numbers == len(parts) == spec.length

"""Where the raw log lies, how its files are written, and what is to be learned from it."""

import zoneinfo
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, Discriminator, Field, Tag, field_validator, model_validator

from secateur.scenario.sections.section import Day, Fraction, Name, Positive, Section

Format = Literal["csv", "tsv", "json_lines", "parquet"]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
Separator = Annotated[str, Field(min_length=1)]
DELIMITERS = {"csv": ",", "tsv": "\t"}
QUOTES = {"csv": '"', "tsv": ""}


def _known_timezone(name: str) -> str:
    if name not in zoneinfo.available_timezones():
        raise ValueError(f"unknown timezone {name!r}; say it like 'Asia/Shanghai'")
    return name


class Table(Section):
    """How the files of a table are written.

    Their compression is told by the name: .gz, .bz2, .zst, or whatever a Parquet file says of
    itself. CSV and TSV without a `header` need the names of their `columns`, in order. TSV knows no
    quotes: a " there is text.
    """

    format: Format = "csv"
    header: bool = True
    columns: tuple[str, ...] = ()
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None

    @property
    def separator(self) -> str:
        """The character between two columns of CSV or TSV."""
        return self.delimiter or DELIMITERS[self.format]

    @model_validator(mode="after")
    def _columns_are_named_once(self) -> Self:
        delimited = self.format in DELIMITERS
        if delimited and self.header == bool(self.columns):
            raise ValueError("name the columns where there is no header, and only there")
        if not delimited and (self.columns or self.delimiter or not self.header):
            raise ValueError(f"{self.format} names its columns itself: no header, no delimiter")
        return self


class SideTable(Table):
    """A table joined to every event by `key`: one file at `path` below the log, one row a key."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    path: str
    key: str


class Logs(Table):
    """The raw log.

    `uri` is absolute or relative to the project's root. By `layout`, the files below `events` lie
    in a folder a day (`date=YYYY-MM-DD/`), an hour (`date=YYYY-MM-DD/hour=HH/`), or as they come
    ("flat": the events' own time tells the day). Days are as clocks in `timezone` (an IANA name)
    tell them. `time` is the column with an event's time; `time_format` its unit since 1970 ("s",
    "ms", "us") or Spark's datetime pattern of local time, such as "M/d/yyyy h:mm:ss a". The window
    is the `window_days` days up to `last_day`, or up to the newest day present, none before
    `first_day`; no events are expected on the weekdays `closed`.
    """

    role: ClassVar[str] = "logs"

    uri: str
    events: str = "events"
    layout: Literal["day", "hour", "flat"] = "day"
    user: str
    item: str
    time: str
    time_format: str = "ms"
    timezone: Annotated[str, AfterValidator(_known_timezone)] = "UTC"
    first_day: Day | None = None
    last_day: Day | None = None
    window_days: Positive = 14
    closed: tuple[Weekday, ...] = ()
    sides: tuple[SideTable, ...] = ()


class OfColumn(Section):
    """What one column of the log says."""

    role: ClassVar[str] = "label"

    column: str

    @property
    def name(self) -> str:
        """What is predicted."""
        return self.column


class ColumnLabel(OfColumn):
    """The binary column to predict.

    A row may tell more than that: its `tasks`, by name. A model learns label and tasks together,
    over shared embeddings and hidden layers; early stopping, pruning and judgement go by the label.
    A row whose column is missing does not tell a task, and is masked out of that task's loss; what
    no label could be either (2, or text for a threshold) is quarantined.
    """

    kind: Literal["column"] = "column"
    tasks: dict[Name, "RowLabel"] = Field(default_factory=dict)

    @field_validator("tasks")
    @classmethod
    def _tasks_have_none(cls, tasks: dict[str, "RowLabel"]) -> dict[str, "RowLabel"]:
        if any(task.tasks for task in tasks.values()):
            raise ValueError("a task has no tasks of its own")
        return tasks


class EventTypeLabel(ColumnLabel):
    """Positive are the events whose type is one of `positive`.

    Negative are those of `negative`, or all others where that is empty. Events of neither are
    quarantined, or do not tell where this is a task.
    """

    kind: Literal["event_type"]  # type: ignore[assignment]
    positive: Annotated[tuple[str, ...], Field(min_length=1)]
    negative: tuple[str, ...] = ()


class ThresholdLabel(ColumnLabel):
    """Positive are the events whose `column` is at least `at_least`."""

    kind: Literal["threshold"]  # type: ignore[assignment]
    at_least: float


class MarkedListLabel(OfColumn):
    """A row shows many items, each marked: `N123-1 N45-0` becomes two events.

    The items become the log's item column, which the raw rows do not have.
    """

    kind: Literal["marked_list"]
    separator: Separator = " "
    mark: Separator = "-"


class ClickedListLabel(OfColumn):
    """A row shows many items, `a|b|c`, and the column `clicked` names the one chosen, if any."""

    kind: Literal["clicked_list"]
    separator: Separator = "|"
    clicked: str


class Negatives(Section):
    """Sampled negatives of a log that holds positives only; the rule is in `events/negatives.py`.

    An item's chance is its positives of the `days` days before the event's, to the power `power`.
    Never drawn is what the user took in the `exclude`d part of the log: in the whole "window", or
    in the "past" up to the event's day.

    A drawn event has the user, time and `shared` columns of its positive, and the `item_columns`
    of its item's latest positive before that day. Any other column of the log would tell the drawn
    from the real, so the events do not have it.
    """

    per_positive: Positive = 4
    power: Fraction = 0.75
    days: Positive = 28
    exclude: Literal["window", "past"] = "window"
    shared: tuple[str, ...] = ()
    item_columns: tuple[str, ...] = ()


class PurchaseLabel(Section):
    """Every row is a positive; negatives are sampled."""

    role: ClassVar[str] = "label"

    kind: Literal["purchase"]
    negatives: Negatives = Negatives()

    @property
    def name(self) -> str:
        """What is predicted."""
        return "purchase"


def _kind(value: Any) -> str:  # noqa: ANN401 - whatever TOML holds
    found = value.get("kind", "column") if isinstance(value, dict) else getattr(value, "kind", "")
    return str(found)


RowLabel = Annotated[
    Annotated[ColumnLabel, Tag("column")]
    | Annotated[EventTypeLabel, Tag("event_type")]
    | Annotated[ThresholdLabel, Tag("threshold")],
    Discriminator(_kind),
]
Label = Annotated[
    Annotated[ColumnLabel, Tag("column")]
    | Annotated[EventTypeLabel, Tag("event_type")]
    | Annotated[ThresholdLabel, Tag("threshold")]
    | Annotated[MarkedListLabel, Tag("marked_list")]
    | Annotated[ClickedListLabel, Tag("clicked_list")]
    | Annotated[PurchaseLabel, Tag("purchase")],
    Discriminator(_kind),
]


def tasks_of(label: Label) -> dict[str, RowLabel]:
    """What its rows tell beside the label, by name in order; nothing of lists and purchases."""
    return dict(sorted(label.tasks.items())) if isinstance(label, ColumnLabel) else {}

"""Where the raw log lies, how its files are written, and what is to be learned from it."""

import zoneinfo
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, Discriminator, Field, Tag, field_validator, model_validator

from secateur.scenario.sections.label_rows import ContextEvents, ShownList
from secateur.scenario.sections.tables import SideTable, TableFormat
from secateur.section import Fraction, IsoDay, Name, Natural, Positive, Section

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
Separator = Annotated[str, Field(min_length=1)]


def _known_timezone(name: str) -> str:
    if name not in zoneinfo.available_timezones():
        raise ValueError(f"unknown timezone {name!r}; say it like 'Asia/Shanghai'")
    return name


class Logs(TableFormat):
    """The raw log: where it lies, how it is written, and which of its days a night reads."""

    role: ClassVar[str] = "logs"

    uri: str
    """Folder of the log: `s3://...`, an absolute path, or one relative to the project."""
    events: str = "events"
    """Folder below `uri` that holds the event files."""
    layout: Literal["day", "hour", "flat"] = "day"
    """How the event files lie: in a folder a day (`date=YYYY-MM-DD/`), an hour
    (`date=YYYY-MM-DD/hour=HH/`), or as they come, where the events' own time tells the day."""
    file_names: str | None = None
    """Where a file's name tells its day, and in the layout `hour` its hour, instead of folders: a
    pattern such as `yyyy-MM-dd-HH` that the name contains. The hours are of `timezone`."""
    user: str
    """Column of the user's id. It leaves the cleaning as a keyed hash."""
    item: str
    """Column of the item's id."""
    time: str
    """Column of the event's time."""
    time_format: str = "ms"
    """How text and numbers tell the time: a unit since 1970 (`s`, `ms`, `us`, `ns`), `iso`
    (`2024-03-01T10:30:00.25+08:00`, the time and the offset may be left out), or Spark's datetime
    pattern, such as `M/d/yyyy h:mm:ss a`. A time with an offset is an instant, one without is read
    on the clocks of `timezone`. A timestamp or a date of Parquet is read by its type."""
    time_year: Annotated[int, Field(ge=1970, le=9999)] | None = None
    """Year of times whose pattern tells none, such as `MM-dd HH:mm`."""
    timezone: Annotated[str, AfterValidator(_known_timezone)] = "UTC"
    """IANA name of the clocks that tell the days, such as `Asia/Shanghai`."""
    first_day: IsoDay | None = None
    """No day before this one is read, `YYYY-MM-DD`."""
    last_day: IsoDay | None = None
    """Last day of the window, `YYYY-MM-DD`. Default: the newest day that holds a twentieth of the
    median day's bytes, of a flat log of its rows, and lies behind no gap as long as a window."""
    marker: str | None = None
    """Name of a file in a day's folder that says that the day is whole, such as `_SUCCESS`: a day
    without it is not delivered yet. Of an hourly log all hours must be there, too."""
    quiet_minutes: Natural = 0
    """A day is delivered once none of its files was written for so long."""
    window_days: Positive = 14
    """Days that a night reads, up to the last one."""
    closed: tuple[Weekday, ...] = ()
    """Weekdays on which no events are expected."""
    sides: tuple[SideTable, ...] = ()
    """Tables to join to the events."""
    expressions: dict[str, str] = Field(default_factory=dict)
    """Columns that the events get, by name: Spark SQL over the log's columns, all of them text, and
    `time_ms`; where a row shows many items, over those of the item's event; where negatives are
    drawn, over the columns that drawn events have. A service gives the result under the name."""

    @model_validator(mode="after")
    def _a_marker_has_a_folder(self) -> Self:
        if self.marker is not None and (self.layout == "flat" or self.file_names):
            raise ValueError(
                "`marker` is a file in a day's folder, which this layout does not have"
            )
        if self.marker is not None and (not self.marker or "/" in self.marker):
            raise ValueError("`marker` is the name of a file, such as _SUCCESS")
        return self

    @model_validator(mode="after")
    def _file_names_tell_what_folders_would(self) -> Self:
        needed = {"day": ("yyyy", "MM", "dd"), "hour": ("yyyy", "MM", "dd", "HH"), "flat": ()}
        parts = needed[self.layout]
        if self.file_names and not (parts and all(self.file_names.count(p) == 1 for p in parts)):
            wanted = f"holds each of {', '.join(parts)} once" if parts else "is for day and hour"
            raise ValueError(f"in the layout {self.layout!r}, `file_names` {wanted}")
        return self


class OfColumn(Section):
    """What one column of the log says."""

    role: ClassVar[str] = "label"

    column: str
    """Column of the log that holds it."""
    context: ContextEvents | None = None
    """Rows that tell no label, but that later rows may know."""

    @property
    def name(self) -> str:
        """What is predicted."""
        return self.column


class ColumnLabel(OfColumn):
    """The binary column to predict: 1 or 0.

    A model learns the label and its tasks together, over shared embeddings and hidden layers; early
    stopping, pruning and judgement go by the label alone.
    """

    kind: Literal["column"] = "column"
    """A column that holds 1 or 0."""
    tasks: dict[Name, "RowLabel"] = Field(default_factory=dict)
    """Further labels of the same rows, by name, each a table like the label's (`column`,
    `event_type` or `threshold`). A row without a value is left out of that task's loss; one with an
    impossible value is quarantined."""

    @field_validator("tasks")
    @classmethod
    def _tasks_have_none(cls, tasks: dict[str, "RowLabel"]) -> dict[str, "RowLabel"]:
        if any(task.tasks or task.context for task in tasks.values()):
            raise ValueError("a task has no tasks and no context of its own")
        return tasks


class EventTypeLabel(ColumnLabel):
    """Tells positives by the event's type.

    Events of neither kind are quarantined; in a task they count as missing.
    """

    kind: Literal["event_type"]  # type: ignore[assignment]
    """A column that holds the event's type."""
    positive: Annotated[tuple[str, ...], Field(min_length=1)]
    """Types that are positives."""
    negative: tuple[str, ...] = ()
    """Types that are negatives. Default: all others."""


class ThresholdLabel(ColumnLabel):
    """Tells positives by a number, such as a rating or a watch time."""

    kind: Literal["threshold"]  # type: ignore[assignment]
    """A column that holds a number."""
    at_least: float
    """The number from which on an event is a positive."""


class MarkedListLabel(ShownList, OfColumn):
    """A row shows many items, each marked: `N123-1 N45-0` becomes two events.

    The items become the log's item column, which the raw rows do not have.
    """

    kind: Literal["marked_list"]
    """A column that holds the items shown, each with 1 or 0."""
    separator: Separator = " "
    """What stands between two items."""
    mark: Separator = "-"
    """What stands between an item and its 1 or 0."""


class ClickedListLabel(ShownList, OfColumn):
    """A row shows many items, `a|b|c`, and another column names the one that was chosen.

    Every item becomes an event, as with a marked list.
    """

    kind: Literal["clicked_list"]
    """A column that holds the items shown."""
    separator: Separator = "|"
    """What stands between two items."""
    clicked: str
    """Column of the item that was chosen, missing where none was."""


class Negatives(Section):
    """Sampled negatives of a log that holds positives only (`events/negatives/`).

    A drawn event has its positive's user and time. Columns that are named in neither `shared` nor
    `item_columns` would tell the drawn from the real, so the events do not have them.
    """

    per_positive: Positive = 4
    """Negatives drawn for every positive, at most."""
    live_hours: Positive = 672
    """Hours for which a positive keeps its item live. Only live items are drawn; counted in whole
    hours, where it is above 48 in whole days."""
    power: Fraction = 0.75
    """An item's chance is its number of positives in those hours to this power: 1 is by popularity,
    0 uniform over live items."""
    freshness: Literal["event", "day"] = "event"
    """Up to when positives count: to the event's own moment, or to the midnight before it, which
    leaves out what was new that day."""
    exclude: Literal["past", "event", "window"] = "past"
    """Never drawn is what the user took itself: up to the event (`past`), at its very moment
    (`event`, where users take a thing again), or in the whole window (`window`), which knows the
    future."""
    shared: tuple[str, ...] = ()
    """Columns that a drawn event has from its positive."""
    item_columns: tuple[str, ...] = ()
    """Columns that every event has from its item's latest positive before it."""
    max_undrawable: Fraction = 0.1
    """Share of positives, at most, that could not have been drawn as negatives at their own moment
    or got none. They enter histories and counters, and are no rows."""
    max_odds_ratio: Annotated[float, Field(gt=1)] = 10.0
    """How many times the odds of a positive may differ between all rows and those of one item age
    or day that has at least a hundredth of them."""


class PurchaseLabel(Section):
    """Every row is a positive; negatives are sampled."""

    role: ClassVar[str] = "label"

    kind: Literal["purchase"]
    """No column tells: whatever the log holds was taken."""
    negatives: Negatives = Negatives()
    """How negatives are drawn."""

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
    """What its rows tell besides the label, by name in order; nothing of lists and purchases."""
    return dict(sorted(label.tasks.items())) if isinstance(label, ColumnLabel) else {}


def context_of(label: Label) -> ContextEvents | None:
    """What says which rows tell no label and are known to later ones, if any are."""
    return label.context if isinstance(label, OfColumn) else None

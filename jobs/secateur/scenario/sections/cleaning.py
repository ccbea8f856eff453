"""What is unusable, what counts as missing, which rows are the same event."""

from typing import Annotated, ClassVar

from pydantic import BeforeValidator, Field

from secateur.section import Fraction, Name, Natural, Section


def _columns_or_none(value: object) -> object:
    """The columns, none of them for the word "none"; an empty list would make all rows one."""
    if value in ([], ()):
        raise ValueError('names no column; where no row repeats another say "none"')
    return () if value == "none" else value


class CleaningRule(Section):
    """A reason of the scenario's own to quarantine a row."""

    code: Name
    """Name of the reason, as the quarantine and the counts show it."""
    bad: str
    """Spark SQL predicate over the log's columns, all of them text; a row is bad where it holds."""


class Cleaning(Section):
    """Which raw rows are unusable, and which are the same event."""

    role: ClassVar[str] = "cleaning"

    where: str | None = None
    """Spark SQL predicate over the log's columns, all of them text: only rows for which it is true
    are read. The others are counted as filtered: they are no events, and nothing is wrong with
    them."""
    deduplicate_on: Annotated[tuple[str, ...], BeforeValidator(_columns_or_none)]
    """Rows of a day, or of the `late_days` before it, that are equal in all these columns are one
    event; the row that arrived first is kept. A row that lacks one of them equals no other.
    `"none"` keeps every row."""
    count_repetitions: Name | None = None
    """A new column of the events, for fields to read: how many equal rows of its day an event
    stands for. Where time is told by the day and rows have no id, that is how often it happened."""
    deduplication_budget: Fraction = 0.05
    """Share of the usable rows that repeat another, beyond which the night is refused; with
    `count_repetitions` there is none."""
    quarantine_budget: Fraction = 0.02
    """Share of unusable rows beyond which the night is refused."""
    outside_budget: Fraction = 1.0
    """Share of a flat log's rows on days outside the window beyond which the night is refused. By
    default none: in a flat log that grows, more and more days are older than the window."""
    late_days: Natural = 0
    """An event up to so many days older than its folder's day counts as one of that day; an older
    one is quarantined as `time_late`."""
    future_minutes: Natural = 0
    """An event up to so many minutes past its folder's day is kept, at the day's last millisecond;
    a later one is quarantined as `time_future`. So is a flat log's event of a day later than both
    `logs.last_day` and the newest day that holds a twentieth of the median day's rows."""
    missing: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """By column, the texts that mean "no value", besides the empty text."""
    rules: tuple[CleaningRule, ...] = ()
    """Further reasons to quarantine a row."""

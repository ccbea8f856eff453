"""What is unusable, what counts as missing, which rows are the same event."""

from typing import ClassVar

from pydantic import Field

from secateur.scenario.sections.section import Fraction, Name, Natural, Section


class CleaningRule(Section):
    """A reason of the scenario's own to quarantine a row."""

    code: Name
    """Name of the reason, as the quarantine and the counts show it."""
    bad: str
    """Spark SQL predicate over the log's columns, all of them text; a row is bad where it holds."""


class Cleaning(Section):
    """Which raw rows are unusable, and which are the same event."""

    role: ClassVar[str] = "cleaning"

    deduplicate_on: tuple[str, ...]
    """Rows equal in these columns are one event; the row that arrived first is kept."""
    quarantine_budget: Fraction = 0.02
    """Share of unusable rows beyond which the night is refused."""
    late_days: Natural = 0
    """An event up to so many days older than its folder's day counts as one of that day; an older
    one is quarantined as `time_late`."""
    future_minutes: Natural = 0
    """An event up to so many minutes past its folder's day is kept, at the day's last millisecond;
    a later one is quarantined as `time_future`."""
    missing: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """By column, the texts that mean "no value", besides the empty text."""
    rules: tuple[CleaningRule, ...] = ()
    """Further reasons to quarantine a row."""

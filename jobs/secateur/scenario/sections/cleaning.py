"""What is unusable, what counts as missing, which rows are the same event."""

from typing import ClassVar

from pydantic import Field

from secateur.scenario.sections.section import Fraction, Name, Natural, Section


class CleaningRule(Section):
    """A row is quarantined under `code` where the Spark SQL predicate `bad` holds.

    The predicate sees the log's columns as canonical text.
    """

    code: Name
    bad: str


class Cleaning(Section):
    """How a night treats its raw rows.

    Of rows equal in `deduplicate_on`, one is kept. An event older than its folder's day is kept,
    as one of the day it arrived on, where it is at most `late_days` days late, else quarantined.
    One later than that day is kept, at the day's last millisecond, where clocks may be off by
    `future_minutes`, else quarantined. Beyond the share `quarantine_budget` the run is refused.
    """

    role: ClassVar[str] = "cleaning"

    deduplicate_on: tuple[str, ...]
    quarantine_budget: Fraction = 0.02
    late_days: Natural = 0
    future_minutes: Natural = 0
    missing: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    rules: tuple[CleaningRule, ...] = ()

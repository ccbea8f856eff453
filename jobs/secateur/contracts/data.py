"""Receipts of the data rooms: what cleaning counted, what validation found."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class CleaningCounts:
    """Where every raw row went: `rows_in = kept + quarantined + deduplicated`.

    `reasons` counts quarantined rows by reason code; a row may have several, so its values may
    add up to more than `quarantined`.
    """

    rows_in: int
    kept: int
    quarantined: int
    deduplicated: int
    reasons: dict[str, int]
    days: dict[str, int]


@dataclass(frozen=True)
class Expectation:
    """One rule of a suite with what was observed."""

    rule: str
    column: str | None
    success: bool
    observed: Any


@dataclass(frozen=True)
class ValidationReport:
    """The outcome of one suite on exactly the artifact named by `subject` (its digest)."""

    subject: str
    success: bool
    rows: int
    expectations: tuple[Expectation, ...]

"""Receipts of the data rooms: what cleaning counted, what validation found and remembers."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from secateur.contracts.errors import CorruptArtifact

DriftMeasure = Literal["categories", "numbers"]

# A column of events with drawn negatives: why one is for histories and counters only; null in rows.
HISTORY_ONLY = "history_only"
# Bins of an item's age at an event, in their order, with the hours at which each ends.
AGES = {
    "under 1 h": 1.0,
    "1 to 6 h": 6.0,
    "6 to 24 h": 24.0,
    "1 to 3 days": 72.0,
    "3 to 7 days": 168.0,
    "over 7 days": float("inf"),
}


@dataclass(frozen=True)
class SkippedFiles:
    """How many files below a log's events no night reads.

    They are `hidden` or temporary, or of a day in the `future`, counted by day.
    """

    hidden: int = 0
    future: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class RunWindow:
    """The days that a run reads, up to its `last_day`, and the files that it does not.

    A flat log tells its days by its rows: `days` is empty, and `last_day` None unless asked for.
    `night` is the digest of all that the run goes by: files, scenario, code and the id key.
    """

    days: tuple[str, ...]
    last_day: str | None
    night: str = ""
    skipped: SkippedFiles = SkippedFiles()


@dataclass(frozen=True)
class DayCounts:
    """Where every raw row of one day went; see `CleaningCounts`."""

    rows_in: int
    kept: int
    quarantined: int
    deduplicated: int
    reasons: dict[str, int]
    events: int
    filtered: int = 0
    most_repeated: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        parts = self.kept + self.deduplicated + self.quarantined + self.filtered
        _demand_that_no_row_is_lost(self.rows_in, parts)


@dataclass(frozen=True)
class RowCounts:
    """Rows, and the positives among them."""

    rows: int
    positives: int


@dataclass(frozen=True)
class DrawnCounts:
    """What drawn negatives tell of the label.

    Of the `positives`, those that could not have been drawn as negatives at their own moment, or
    got no negatives, are `history_only` and no rows, by reason. The rows are counted by day, and by
    the `AGES` of their items.
    """

    positives: int
    history_only: dict[str, int]
    days: dict[str, RowCounts]
    ages: dict[str, RowCounts]

    @property
    def left_out(self) -> int:
        """The positives that are no rows."""
        return sum(self.history_only.values())

    def rate(self, days: Iterable[str]) -> float:
        """The share of positives among the rows of these days."""
        counted = [self.days[day] for day in days if day in self.days]
        rows = sum(one.rows for one in counted)
        return sum(one.positives for one in counted) / max(rows, 1)


@dataclass(frozen=True)
class CleaningCounts:
    """Where every raw row went: `rows_in = kept + deduplicated + quarantined + filtered + outside`.

    `reasons` counts quarantined rows by reason code; a row may have several, so its values may
    add up to more than `quarantined`. The kept rows became `events`, `days` counts them by day:
    more than `kept` where a row shows many items, or where negatives were drawn, `sampled` of them
    and `undrawn` fewer than wished for; `drawn` tells what they say of the label. `filtered` rows
    are those that the scenario's `where` leaves out; `outside` rows of a log without day folders
    belong to no day of the window. `most_repeated` are examples of deduplicated events, by the JSON
    of their key without its user, with how many rows repeat each.

    Raises CorruptArtifact where a row is lost.
    """

    rows_in: int
    kept: int
    quarantined: int
    deduplicated: int
    reasons: dict[str, int]
    days: dict[str, int]
    events: int
    sampled: int = 0
    undrawn: int = 0
    outside: int = 0
    filtered: int = 0
    most_repeated: dict[str, int] = field(default_factory=dict)
    drawn: DrawnCounts | None = None

    def __post_init__(self) -> None:
        parts = self.examined_rows + self.filtered + self.outside
        _demand_that_no_row_is_lost(self.rows_in, parts)

    @property
    def examined_rows(self) -> int:
        """The rows that were candidates for events: of the window, and not filtered."""
        return self.kept + self.deduplicated + self.quarantined


def _demand_that_no_row_is_lost(rows_in: int, parts: int) -> None:
    if rows_in != parts:
        raise CorruptArtifact(f"{rows_in} rows came in, but {parts} are accounted for")


@dataclass(frozen=True)
class Expectation:
    """One rule of a suite with what was observed."""

    rule: str
    column: str | None
    success: bool
    observed: Any
    suite: str = ""


@dataclass(frozen=True)
class ColumnDrift:
    """How far one column's values are from those of an accepted night.

    `bins` is the number of shares compared, `rows` and `reference_rows` the events of each side.
    The reference is named by its last day and its digest. Without a `distance` the column was not
    compared, for the reason `not_compared`.
    """

    column: str
    measure: DriftMeasure
    formula: str
    limit: float
    distance: float | None
    bins: int
    rows: int
    reference_rows: int
    reference_day: str
    reference: str
    not_compared: str = ""


@dataclass(frozen=True)
class ValidationReport:
    """The outcome of one suite on exactly the artifact named by `subject` (its digest).

    `drift` holds one entry a column that the scenario watches, or `bootstrap` says why there was
    nothing to compare with. `risks` are what no rule forbids and a reader should know.
    """

    subject: str
    success: bool
    rows: int
    expectations: tuple[Expectation, ...]
    drift: tuple[ColumnDrift, ...] = ()
    bootstrap: str = ""
    risks: tuple[str, ...] = ()


@dataclass(frozen=True)
class ValueCounts:
    """Rows by value: of the most frequent ones, of all others together, and of none."""

    values: dict[str, int]
    others: int
    missing: int


@dataclass(frozen=True)
class BinCounts:
    """Rows by bin of a number, and rows without one; bin i is where i boundaries are <= it."""

    boundaries: tuple[float, ...]
    rows: tuple[int, ...]
    missing: int


@dataclass(frozen=True)
class Profile:
    """What the events of a night looked like, column by column: no row of them, and no user.

    `days` counts the events by day; `label_rate` is the share of positives, None without events.
    `sides` has the digest of what each undated side table held.
    """

    rows: int
    label_rate: float | None
    days: dict[str, int]
    categories: dict[str, ValueCounts] = field(default_factory=dict)
    numbers: dict[str, BinCounts] = field(default_factory=dict)
    sides: dict[str, str] = field(default_factory=dict)

    @property
    def last_day(self) -> str:
        """The newest day with events, '' without any."""
        return max(self.days, default="")


@dataclass(frozen=True)
class Acceptance:
    """Receipt of a night that became the reference of later ones: its last day and its digest."""

    last_day: str
    accepted_night: str


@dataclass(frozen=True)
class NightSweep:
    """What of old nights was deleted, or with `dry_run` would be: folders of runs and of state."""

    dry_run: bool
    runs: tuple[str, ...]
    state: tuple[str, ...]
    bytes: int


@dataclass(frozen=True)
class Heartbeat:
    """Whether a scenario's nights are silent, the last `run` that ended, empty where none did, and
    when people were told of this silence: seconds since 1970, 0 where they were not."""

    run: str
    silent: bool
    alarmed_at: float


@dataclass(frozen=True)
class LateDays:
    """Days that are cleaned again because their files are others than when they first were."""

    days: tuple[str, ...]

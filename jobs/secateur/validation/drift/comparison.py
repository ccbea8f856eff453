"""Tonight's events held against those of the last accepted night, column by column."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import great_expectations.expectations as gxe
import pyarrow as pa
from pyspark.sql import DataFrame

from secateur.artifacts import Artifact
from secateur.contracts.data import ColumnDrift, Measure, Profile
from secateur.contracts.errors import ScenarioError
from secateur.scenario import Drift
from secateur.validation.drift import distances, event_profile
from secateur.validation.drift.reference_night import PROFILE
from secateur.validation.running import Check

log = logging.getLogger("secateur.validation")

FORMULAS: dict[Measure, str] = {
    "categories": "L-infinity",
    "numbers": "Jensen-Shannon, base 2",
}

# The distance and how many shares were compared, by measure and column.
Distances = dict[tuple[Measure, str], tuple[float, int]]


@dataclass(frozen=True)
class Comparison:
    """Each watched column's distance or the reason why it has none, or why there are no columns."""

    columns: tuple[ColumnDrift, ...] = ()
    bootstrap: str = ""

    def checks(self) -> list[Check]:
        """The suites of the columns that were compared: one frame of distances a measure."""
        compared = [one for one in self.columns if one.distance is not None]
        by_measure = {m: [one for one in compared if one.measure == m] for m in FORMULAS}
        return [_check(measure, found) for measure, found in by_measure.items() if found]


NOT_WATCHED = Comparison()


def demand_no_user(drift: Drift, user: str) -> None:
    """Raises ScenarioError where the scenario watches the column `user`: no profile names users."""
    if user in (*drift.categories, *drift.numbers):
        raise ScenarioError(f"validation.drift: {user} is the user, whom no profile may name")


def compare(
    events: DataFrame, drift: Drift, tonight: Profile, reference: Artifact | None
) -> Comparison:
    """Hold tonight's events and their profile against an AcceptedNight of an earlier last day."""
    if reference:
        return Comparison(_columns(events, drift, tonight, reference))
    watched = len(drift.categories) + len(drift.numbers)
    if not watched:
        return NOT_WATCHED
    why = f"no earlier night was accepted, so the drift of {watched} columns was not examined"
    log.warning("bootstrap: %s", why)
    return Comparison(bootstrap=why)


def _check(measure: Measure, columns: Sequence[ColumnDrift]) -> Check:
    frame = pa.table({one.column: [one.distance] for one in columns}).to_pandas()
    limits = (
        gxe.ExpectColumnMaxToBeBetween(
            column=one.column,
            max_value=one.limit,
            description=f"{one.formula} distance from {one.reference_day} <= {one.limit:g}",
        )
        for one in columns
    )
    return Check(f"drift of {measure}", frame, tuple(limits))


def _columns(
    events: DataFrame, drift: Drift, tonight: Profile, reference: Artifact
) -> tuple[ColumnDrift, ...]:
    """One entry a watched column, in the scenario's order."""
    then = reference.read(PROFILE, Profile)
    few = _too_few(drift.min_rows, tonight, then)
    found = {} if few else _distances(events, tonight, then)

    def entry(measure: Measure, column: str, limit: float) -> ColumnDrift:
        distance, bins = found.get((measure, column), (None, 0))
        why = "" if distance is not None else few or _absent(column, events, then)
        if why:
            log.warning("drift of %s was not compared: %s", column, why)
        return ColumnDrift(
            column,
            measure,
            FORMULAS[measure],
            limit,
            distance,
            bins,
            tonight.rows,
            then.rows,
            then.last_day,
            reference.digest,
            why,
        )

    return (
        *(entry("categories", column, limit) for column, limit in drift.categories.items()),
        *(entry("numbers", column, limit) for column, limit in drift.numbers.items()),
    )


def _too_few(least: int, tonight: Profile, then: Profile) -> str:
    if min(tonight.rows, then.rows) >= least:
        return ""
    return f"{tonight.rows:,} rows tonight, {then.rows:,} then: fewer than {least:,}"


def _absent(column: str, events: DataFrame, then: Profile) -> str:
    if column not in events.columns:
        return "tonight's events have no such column"
    return f"the night of {then.last_day} was not profiled by this column"


def _distances(events: DataFrame, tonight: Profile, then: Profile) -> Distances:
    """The distances of the columns that both nights know, numbers in the bins of then."""
    cuts = {name: bins.boundaries for name, bins in then.numbers.items() if name in tonight.numbers}
    binned = event_profile.count_bins(events, cuts)
    found: Distances = {
        ("numbers", name): distances.of_numbers(binned[name], then.numbers[name]) for name in cuts
    }
    for name in tonight.categories.keys() & then.categories.keys():
        one, other = tonight.categories[name], then.categories[name]
        found["categories", name] = distances.of_categories(one, other)
    return found

"""Tonight's events held against those of the last accepted night, column by column."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import great_expectations.expectations as gxe
import pyarrow as pa
from pyspark.sql import DataFrame

from secateur.artifacts import Artifact
from secateur.contracts.artifact_files import PROFILE
from secateur.contracts.data import ColumnDrift, DriftMeasure, Profile
from secateur.scenario import Drift
from secateur.validation.drift import distances, event_profile
from secateur.validation.suite_runner import Suite

log = logging.getLogger("secateur.validation")

FORMULAS: dict[DriftMeasure, str] = {
    "categories": "L-infinity",
    "numbers": "Jensen-Shannon, base 2",
}

# The distance and how many shares were compared, by measure and column.
Distances = dict[tuple[DriftMeasure, str], tuple[float, int]]


@dataclass(frozen=True)
class Comparison:
    """Each watched column's distance or the reason why it has none, or why there are no columns."""

    columns: tuple[ColumnDrift, ...] = ()
    bootstrap: str = ""

    def suites(self) -> list[Suite]:
        """The suites of the columns that were compared: one frame of distances a measure."""
        compared = [one for one in self.columns if one.distance is not None]
        by_measure = {m: [one for one in compared if one.measure == m] for m in FORMULAS}
        return [_drift_suite(measure, found) for measure, found in by_measure.items() if found]


NOT_WATCHED = Comparison()


def compare_nights(
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


def _drift_suite(measure: DriftMeasure, columns: Sequence[ColumnDrift]) -> Suite:
    frame = pa.table({one.column: [one.distance] for one in columns}).to_pandas()
    limits = (
        gxe.ExpectColumnMaxToBeBetween(
            column=one.column,
            max_value=one.limit,
            description=f"{one.formula} distance from {one.reference_day} <= {one.limit:g}",
        )
        for one in columns
    )
    return Suite(f"drift of {measure}", frame, tuple(limits))


def _columns(
    events: DataFrame, drift: Drift, tonight: Profile, reference: Artifact
) -> tuple[ColumnDrift, ...]:
    """One entry a watched column, in the scenario's order."""
    then = reference.read(PROFILE, Profile)
    few = ""
    if min(tonight.rows, then.rows) < drift.min_rows:
        few = f"{tonight.rows:,} rows tonight, {then.rows:,} then: fewer than {drift.min_rows:,}"
    found = {} if few else _distances(events, tonight, then)

    def entry(measure: DriftMeasure, column: str, limit: float) -> ColumnDrift:
        distance, bins = found.get((measure, column), (None, 0))
        unknown = f"the night of {then.last_day} was not profiled by this column"
        gone = "tonight's events have no such column"
        absent = unknown if column in events.columns else gone
        why = "" if distance is not None else few or absent
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

"""The window of a log without day folders: its rows' own times tell the days.

It ends with the run's day where that is given, else with the newest plausible day. A row of a later
day than either is in the future: a stray one moves no window.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812

from secateur.contracts.errors import NotDelivered, Refused
from secateur.events.cleaning import FILTERED, REASONS, ROW, TIME_FUTURE
from secateur.events.raw_files import window_of
from secateur.events.raw_rows import DAY
from secateur.events.reading.plausible_days import is_open, newest_plausible_day
from secateur.events.selection.marked_counts import UNKNOWN_DAY
from secateur.scenario import Logs

log = logging.getLogger("secateur")


@dataclass(frozen=True)
class FlatWindow:
    """The days of the window that have rows; and the last day whose rows are not in the future."""

    days: tuple[str, ...]
    end: str


def place_rows(
    marked: DataFrame, rows: Mapping[str, int], logs: Logs
) -> tuple[DataFrame, tuple[str, ...]]:
    """The marked rows of a flat log, those in the future quarantined; and the days of its window.

    `rows` are how many there are by day, those without one under `UNKNOWN_DAY`. A row in the future
    has no day. Raises NotDelivered where the run has a day that has no row yet, Refused where later
    days have rows.
    """
    window = flat_window({day: n for day, n in rows.items() if day != UNKNOWN_DAY}, logs)
    is_future = F.coalesce(F.col(DAY) > F.lit(window.end), F.lit(False)) & ~F.col(FILTERED)
    future = F.array_append(REASONS, F.lit(TIME_FUTURE))
    placed = marked.withColumns(
        {
            REASONS: F.when(is_future, future).otherwise(F.col(REASONS)),
            DAY: F.when(~is_future, F.col(DAY)),
        }
    )
    return placed.withColumn(ROW, F.when(F.size(REASONS) > 0, F.col(ROW))), window.days


def flat_window(rows: Mapping[str, int], logs: Logs) -> FlatWindow:
    """The window of a log that has so many `rows` by day. Raises as `place_rows` does."""
    if not rows:
        return FlatWindow((), "")
    plausible = newest_plausible_day(rows, logs)
    last = logs.last_day or plausible
    if last not in rows and is_open(last, logs):
        fault = NotDelivered if last > plausible else Refused
        raise fault(f"no row of the last day, {last}: the newest day with rows is {plausible}")
    days = tuple(day for day in window_of(logs, last) if day in rows)
    log.info("the window ends with %s and has rows of %d days", last, len(days))
    window = [day for day in window_of(logs, last) if day >= min(rows)]
    gaps = [day for day in window if day not in rows and is_open(day, logs)]
    if gaps:
        log.warning("%d days of the window have no row: %s", len(gaps), ", ".join(gaps))
    return FlatWindow(days, max(last, plausible))

"""What a night needs besides the roles: its window, its splits, and how long it trains."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from secateur.scenario.raw_log.survey import LogSurvey

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
FEWEST_DAYS = 4  # two to train on, of which one stops the training, one to tune, one to confirm
_WINDOW_DAYS = 14
_ENOUGH_ROWS = 200_000
_WEEKS_TO_TELL = 3
_MOST_HELD_OUT = 7
_STEPS = 800  # of training: enough for a small log to converge
_STEPS_AN_EPOCH = 1600  # of the window, at the least, where batches of 64 make as many


@dataclass(frozen=True)
class NightGuess:
    """How many days a night reads and holds out, on which weekdays nothing comes, and its rows."""

    window_days: int
    held_out_days: int  # tuning, and as many confirming
    closed: tuple[str, ...]
    rows: int  # of the window

    @property
    def batch_size(self) -> int:
        """Rows a step: few enough for one epoch to have `_STEPS_AN_EPOCH` steps.

        A linear model of the same inputs is the better one where the deep one has not converged
        by the end of the only epoch that it can use.
        """
        return next((n for n in (64, 128, 256) if self.rows < 2 * n * _STEPS_AN_EPOCH), 512)

    @property
    def max_epochs(self) -> int:
        """Passes until early stopping: as many as make `_STEPS` steps, so that it converges.

        Of many rows one is best: in a second one a CTR model learns its rare values by heart.
        """
        return min(20, math.ceil(_STEPS * self.batch_size / max(self.rows, 1)))


def guess_night(found: LogSurvey, days: tuple[str, ...], events_a_row: float) -> NightGuess:
    """The smallest window from two weeks on that has enough rows; all of a short log.

    `days` are those of folders, or else of the rows; a row makes `events_a_row` events.
    """
    if not days:
        rows = round(found.rows * events_a_row)
        return NightGuess(_WINDOW_DAYS, _held_out(_WINDOW_DAYS), (), rows)
    span = (date.fromisoformat(days[-1]) - date.fromisoformat(days[0])).days + 1
    window = min(span, _WINDOW_DAYS)
    while window < span and _rows_of(found, days[-1], window) < _ENOUGH_ROWS:
        window += 1
    rows = round(_rows_of(found, days[-1], window) * events_a_row)
    held_out = _held_out(window)
    return NightGuess(max(window, FEWEST_DAYS), held_out, tuple(_closed_weekdays(days, span)), rows)


def _held_out(window: int) -> int:
    return max(1, min(_MOST_HELD_OUT, round(window / 7)))


def _rows_of(found: LogSurvey, last: str, window: int) -> int:
    first = (date.fromisoformat(last) - timedelta(days=window - 1)).isoformat()
    return sum(rows for day, rows in found.by_day.items() if first <= day <= last)


def _closed_weekdays(days: tuple[str, ...], span: int) -> Iterator[str]:
    """The weekdays that have no row in weeks."""
    if span < 7 * _WEEKS_TO_TELL:
        return
    present = {date.fromisoformat(day).weekday() for day in days}
    yield from (name for number, name in enumerate(WEEKDAYS) if number not in present)

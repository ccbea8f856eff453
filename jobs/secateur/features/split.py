"""Which rows train, which choose among candidates, which confirm the choice: by day or by hour."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from secateur.contracts.errors import Refused
from secateur.contracts.features import SPLITS
from secateur.features.days.event_window import EventWindow
from secateur.local_days import ONE_DAY, midnight_ms
from secateur.scenario import Features

HOUR_MS = 3_600_000


@dataclass(frozen=True)
class Splits:
    """The days of each split; where hours split them, the first milliseconds that tune and confirm.

    A day may then lie in several splits, each with its own rows of it.
    """

    days: Mapping[str, Sequence[str]]
    starts: tuple[int, int] | None = None

    def of_day(self, day: str) -> list[str]:
        """The splits that have rows of a day, in their order."""
        return [split for split in SPLITS if day in self.days[split]]

    def rows_of(self, split: str, time_ms: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which rows (bool [n]) of a day of the split are its own, by their times (int64 [n])."""
        if self.starts is None:
            return np.ones(len(time_ms), np.bool_)
        own: NDArray[np.bool_] = np.digitize(time_ms, self.starts) == SPLITS.index(split)
        return own


def split_window(window: EventWindow, features: Features) -> Splits:
    """The splits of a window's days, or of its hours where the scenario says hours.

    Raises Refused where nothing is left to train on.
    """
    days = sorted(window.days)[features.warm_up_days :]
    if features.tune_hours is None or features.confirm_hours is None:
        return Splits(split_days(days, features))
    end = (_newest_ms(window) // HOUR_MS + 1) * HOUR_MS
    confirm = end - features.confirm_hours * HOUR_MS
    tune = confirm - features.tune_hours * HOUR_MS
    return split_hours(days, (tune, confirm), window.logs.timezone)


def _newest_ms(window: EventWindow) -> int:
    """The time of the last day's last event."""
    files = window.files[max(window.days)]
    times = (pq.read_table(file, columns=["time_ms"])["time_ms"] for file in files)
    return max(int(pc.max(column).as_py()) for column in times)


def split_hours(days: Sequence[str], starts: tuple[int, int], timezone: str) -> Splits:
    """The days that have a moment of each split, whose tune and confirm rows start at `starts`.

    Raises Refused where nothing is left to train on.
    """
    edges = (-np.inf, *starts, np.inf)
    found: dict[str, list[str]] = {split: [] for split in SPLITS}
    for day in sorted(days):
        first = date.fromisoformat(day)
        begin, end = midnight_ms(first, timezone), midnight_ms(first + ONE_DAY, timezone)
        for number, split in enumerate(SPLITS):
            if begin < edges[number + 1] and end > edges[number]:
                found[split].append(day)
    if not found["train"]:
        raise Refused(f"{len(days)} days leave no hour to train on before those held out")
    return Splits(found, starts)


def split_days(days: Sequence[str], features: Features) -> dict[str, tuple[str, ...]]:
    """The days of each split: the last ones confirm, those before them tune, the rest train.

    Raises Refused where no day is left to train on.
    """
    ordered = sorted(days)
    tune_from = len(ordered) - features.tune_days - features.confirm_days
    confirm_from = len(ordered) - features.confirm_days
    if tune_from < 1:
        raise Refused(
            f"{len(ordered)} days leave none to train on: "
            f"{features.tune_days} tune and {features.confirm_days} confirm"
        )
    parts = (ordered[:tune_from], ordered[tune_from:confirm_from], ordered[confirm_from:])
    return {split: tuple(part) for split, part in zip(SPLITS, parts, strict=True)}

"""How users and items of a log behave in time: who comes again, in what sessions, for how long."""

from array import array
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

SESSION_SECONDS = 1800
_DAY_SECONDS = 86_400
_LEAST_OF_HOUR = 0.01

Codes = NDArray[np.int64]
Seconds = NDArray[np.float64]


@dataclass(frozen=True)
class LogHabits:
    """Shares of the log's events, and its busy hours.

    `again` are those whose user was there at an earlier moment, `in_session` half an hour earlier
    at most. `young` are those, after the first day, of items that came up less than a day before.
    `retaken` are those whose user had the same item at another moment, too.
    """

    again: float = 0.0
    in_session: float = 0.0
    young: float = 0.0
    hours: int = 0
    retaken: float = 0.0


@dataclass
class HabitCounter:
    """Users, items and moments as they come, to be told of at the end."""

    users: dict[str, int] = field(default_factory=dict)
    items: dict[str, int] = field(default_factory=dict)
    of_rows: "array[int]" = field(default_factory=lambda: array("q"))
    of_items: "array[int]" = field(default_factory=lambda: array("q"))
    users_of_items: "array[int]" = field(default_factory=lambda: array("q"))
    row_seconds: "array[float]" = field(default_factory=lambda: array("d"))
    item_seconds: "array[float]" = field(default_factory=lambda: array("d"))
    hours: Counter[int] = field(default_factory=Counter)

    def add(self, user: str, items: Iterable[str], moment: datetime) -> None:
        """One more row, and the items that it shows."""
        seconds = moment.timestamp()
        number = self.users.setdefault(user, len(self.users))
        self.of_rows.append(number)
        self.row_seconds.append(seconds)
        self.hours[moment.hour] += 1
        for item in items:
            self.of_items.append(self.items.setdefault(item, len(self.items)))
            self.users_of_items.append(number)
            self.item_seconds.append(seconds)

    def habits(self) -> LogHabits:
        """What the rows so far tell."""
        if not self.of_rows:
            return LogHabits()
        again, in_session = _returns(np.array(self.of_rows), np.array(self.row_seconds))
        least = _LEAST_OF_HOUR * len(self.of_rows)
        busy = sum(rows >= least for rows in self.hours.values())
        items, seconds = np.array(self.of_items, np.int64), np.array(self.item_seconds)
        retaken = _share_retaken(np.array(self.users_of_items, np.int64), items, seconds)
        return LogHabits(again, in_session, _young(items, seconds), busy, retaken)


def _returns(users: Codes, seconds: Seconds) -> tuple[float, float]:
    """Shares of the rows [n] whose user had an earlier one at all, and within a session."""
    order = np.lexsort((seconds, users))
    users, seconds = users[order], seconds[order]
    is_new = np.append(True, np.diff(users) != 0)
    starts = is_new | np.append(True, np.diff(seconds) != 0)  # of a user's moments
    moment = np.cumsum(starts) - 1
    gaps = np.where(is_new[starts], np.inf, np.diff(seconds[starts], prepend=seconds[0]))[moment]
    return float((gaps < np.inf).mean()), float((gaps <= SESSION_SECONDS).mean())


def _share_retaken(users: Codes, items: Codes, seconds: Seconds) -> float:
    """The share of events [n], each moment's once, whose user and item are another's, too."""
    pairs = users * (items.max(initial=0) + 1) + items
    order = np.lexsort((seconds, pairs))
    is_pair = np.diff(pairs[order], prepend=-1) != 0
    is_moment = is_pair | (np.diff(seconds[order], prepend=-1) != 0)
    return 1 - float(is_pair.sum() / is_moment.sum()) if len(pairs) else 0.0


def _young(items: Codes, seconds: Seconds) -> float:
    """The share of events [n] after the first day on items that are younger than a day."""
    first = np.full(items.max(initial=-1) + 1, np.inf)
    np.minimum.at(first, items, seconds)
    later = seconds >= seconds.min(initial=np.inf) + _DAY_SECONDS
    ages = seconds - first[items]
    return float((ages[later] < _DAY_SECONDS).mean()) if later.any() else 0.0

"""The session that a user's event lies in, point in time.

Where the log names its sessions, a user's events with the same name are one. Else a session ends
where no event of the user follows within the gap: an event belongs with the one before it, and with
those at its own instant. What came late is known too late to hold a session together: it lies in
the one that was going on without it, or in none.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F  # noqa: N812

from secateur.features.days.arrow_days import text_of
from secateur.features.days.lateness import came_late
from secateur.scenario import Features, Logs
from secateur.scenario.raw_log.column_names import INTERNAL
from secateur.spark import column_named

SESSION = f"{INTERNAL}session"
_IN_TIME, _EARLIER, _FIRST = f"{INTERNAL}in_time", f"{INTERNAL}earlier", f"{INTERNAL}first"
_MINUTE_MS = 60_000
_NONE = -1


@dataclass(frozen=True)
class Sessions:
    """What makes a session: the user's column, and a column that names it or the longest gap."""

    user: str
    timezone: str
    gap_ms: int
    column: str | None

    @classmethod
    def of(cls, features: Features, logs: Logs) -> "Sessions":
        """As the scenario has them."""
        gap_ms = features.session_gap_minutes * _MINUTE_MS
        return cls(logs.user, logs.timezone, gap_ms, features.session_column)

    @property
    def columns(self) -> tuple[str, ...]:
        """The event columns that they are made of, the time apart."""
        return (self.user,) if self.column is None else (self.user, self.column)

    def of_rows(self, table: pa.Table, late: NDArray[np.bool_]) -> pa.Array:
        """Text [rows] that names each event's session within its user's, null where it has none.

        `table` [rows] holds all events of its users; `late` [rows] are those that came late.
        """
        if self.column is not None:
            return text_of(table[self.column])
        users = text_of(table[self.user]).dictionary_encode().indices.to_numpy().astype(np.int64)
        times = table["time_ms"].to_numpy()
        order = np.lexsort((late, times, users))  # at one instant, late ones find the others
        found = np.full(len(users), _NONE)
        found[order] = self._starts(users[order], times[order], late[order])
        return pa.array(found, mask=found == _NONE).cast(pa.string())

    def _starts(
        self, users: NDArray[np.int64], times: NDArray[np.int64], late: NDArray[np.bool_]
    ) -> NDArray[np.int64]:
        """The first row (int64 [n]) of each row's session, of rows by user and time; or `_NONE`."""
        rows = np.arange(len(users))
        last = np.maximum.accumulate(np.where(late, _NONE, rows))  # in time, up to the row
        before = np.append(_NONE, last[:-1])
        first = ~late & ~self._together(users, times, before)
        start = np.maximum.accumulate(np.where(first, rows, _NONE))
        return np.where(~late | self._together(users, times, last), start, _NONE)

    def _together(
        self, users: NDArray[np.int64], times: NDArray[np.int64], other: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """Whether each row follows the row `other` of the same user within the gap."""
        of_user: NDArray[np.bool_] = (users == users[other]) & (other != _NONE)
        return of_user & (times - times[other] <= self.gap_ms)

    def add_to(self, events: DataFrame) -> DataFrame:
        """The events with their session as `SESSION`, bigint or text; null where there is none."""
        if self.column is not None:
            return events.withColumn(SESSION, column_named(self.column))
        known = F.when(~came_late(self.timezone), F.col("time_ms"))
        by_time = Window.partitionBy(column_named(self.user)).orderBy("time_ms")
        earlier = F.max(_IN_TIME).over(by_time.rangeBetween(Window.unboundedPreceding, -1))
        until_now = by_time.rangeBetween(Window.unboundedPreceding, 0)
        found = events.withColumn(_IN_TIME, known).withColumn(_EARLIER, earlier)
        first = F.col(_IN_TIME).isNotNull() & ~self._is_near(F.col(_EARLIER))
        found = found.withColumn(_FIRST, F.when(first, F.col(_IN_TIME)))
        start = F.max(_FIRST).over(until_now)
        going_on = self._is_near(F.max(_IN_TIME).over(until_now))
        found = found.withColumn(SESSION, F.when(going_on, start))
        return found.drop(_IN_TIME, _EARLIER, _FIRST)

    def _is_near(self, other_ms: Column) -> Column:
        return F.coalesce(F.col("time_ms") - other_ms <= self.gap_ms, F.lit(False))


def session_key(session: pa.Array, key: pa.Array, user: pa.Array) -> pa.Array:
    """Text [rows]: a key of counters within a user's session; null where either is."""
    parts = [pc.utf8_length(one).cast(pa.string()) for one in (user, session)]
    return pc.binary_join_element_wise(parts[0], ":", user, parts[1], ":", session, key, "")

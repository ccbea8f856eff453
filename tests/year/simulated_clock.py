"""A clock that a test sets, by which verbs, pointers and files tell the time."""

import bisect
import time
from datetime import UTC, datetime, tzinfo

import pytest

from secateur.releases import layout, pulling
from secateur.storage import local
from secateur.storage.store import StoredObject

FILE_TICK_S = 0.005  # a file's time is that of the kernel's last tick


class SimulatedClock:
    """Stands still until it is set forward; knows when by itself a file was really written."""

    def __init__(self, start: datetime) -> None:
        self._real_time = time.time
        self._real, self._simulated = [0.0], [start.timestamp()]

    def set_to(self, moment: float) -> None:
        """Let it be `moment`, in seconds since 1970; what is written from now on is of then."""
        self._real.append(self._real_time())
        self._simulated.append(moment)
        time.sleep(FILE_TICK_S)

    def now(self) -> float:
        """Seconds since 1970."""
        return self._simulated[-1]

    def moment(self, zone: tzinfo = UTC) -> datetime:
        """Now, in a time zone."""
        return datetime.fromtimestamp(self.now(), zone)

    def simulated(self, real: float) -> float:
        """What this clock showed when the machine's own showed `real`."""
        return self._simulated[max(bisect.bisect_right(self._real, real) - 1, 0)]

    def install(self, patch: pytest.MonkeyPatch) -> None:
        """Let all that a verb asks for the time be told this one."""

        class Datetime(datetime):
            """`datetime.now` is a C function that nobody can patch."""

            @classmethod
            def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
                return self.moment(tz or UTC)

        def stored(key: str, size: int, modified: float) -> StoredObject:
            return StoredObject(key, size, self.simulated(modified))

        patch.setattr(time, "time", self.now)
        patch.setattr(layout, "now", lambda: self.moment().isoformat(timespec="seconds"))
        patch.setattr(pulling, "datetime", Datetime)
        patch.setattr(local, "StoredObject", stored)

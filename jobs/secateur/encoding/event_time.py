"""The hour and the weekday of an event, as the clocks of a time zone tell them."""

from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from secateur.contracts.features import TimePart

_QUARTER_MS = 900_000  # clocks are set at quarter hours, and differ from UTC by whole ones


def time_parts(time_ms: NDArray[np.int64], part: TimePart, timezone: str) -> NDArray[np.int64]:
    """Int64 [n] of milliseconds since 1970 (int64 [n]) in an IANA time zone.

    `hour_of_day` is 0 to 23, `day_of_week` 1 (Monday) to 7, as ISO 8601 numbers them. Each distinct
    quarter of an hour is looked up once.
    """
    zone = ZoneInfo(timezone)
    quarters, of_row = np.unique(time_ms // _QUARTER_MS, return_inverse=True)
    moments = (datetime.fromtimestamp(q * _QUARTER_MS // 1000, zone) for q in quarters.tolist())
    parts = [m.hour if part == "hour_of_day" else m.isoweekday() for m in moments]
    found: NDArray[np.int64] = np.array(parts, np.int64)[of_row]
    return found

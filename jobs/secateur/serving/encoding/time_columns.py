"""Inputs that are made of a request's time, where the caller gives the time and not them."""

from datetime import datetime

import numpy as np

from secateur.contracts.errors import UsageError
from secateur.contracts.features import FeatureSchema
from secateur.encoding.event_time import time_parts
from secateur.serving.encoding.raw_columns import is_scalar, values_of
from secateur.serving.encoding.request_columns import Columns

TIME_MS = "time_ms"  # milliseconds since 1970, UTC


def with_time_columns(columns: Columns, schema: FeatureSchema) -> Columns:
    """The columns, with hours and weekdays made of `time_ms` where they are not given themselves.

    `time_ms` is one for all candidates, or [n]; it leaves the columns. Raises UsageError where it
    holds no times.
    """
    if TIME_MS not in columns or not schema.times:
        return columns
    given = columns[TIME_MS]
    try:
        values = [given] if is_scalar(given) else list(values_of(given))
        times = np.array([_milliseconds(value) for value in values], np.int64)
    except (TypeError, ValueError, OverflowError) as error:
        raise UsageError(f"{TIME_MS} holds no milliseconds since 1970: {error}") from error
    made = {}
    for name, part in schema.times.items():
        parts = time_parts(times, part, schema.timezone)
        made[name] = int(parts[0]) if is_scalar(given) else parts
    rest = {name: column for name, column in columns.items() if name != TIME_MS}
    return {**made, **rest}


def _milliseconds(value: object) -> int:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone")
        return int(value.timestamp() * 1000)
    if isinstance(value, np.datetime64 | np.timedelta64):
        raise ValueError(f"{value} has no time zone")
    return int(value)  # type: ignore[call-overload,no-any-return]

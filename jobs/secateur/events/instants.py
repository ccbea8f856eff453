"""The instant of an event, in milliseconds since 1970 (UTC), from however its log tells time.

What tells its own zone is an instant, and moves no more: a text with Z, +08:00 or UTC, and
a Parquet timestamp that is adjusted to UTC. All other texts, timestamps and dates are read on the
clocks of the scenario's time zone. A local time that they skip in spring is read as if they had not
(02:30 is then 03:30 of summer time), one that comes twice in autumn as the first of both. A
timestamp or a date of Parquet is read by its type, whatever `logs.time_format` says.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812

from secateur.contracts.errors import Refused
from secateur.local_days import midnight_ms
from secateur.scenario import Logs
from secateur.scenario.raw_log.column_names import INTERNAL
from secateur.scenario.time_formats import ERA, ISO, UNITS, Offset, fitting_unit, offset_of
from secateur.spark import column_named

TIME_MS = "time_ms"
TOLD_MS = f"{INTERNAL}told_ms"
_EXACT = "decimal(30,6)"  # any unit since 1970, with a fraction
_ISO = r"^\d{4}-\d\d-\d\d([T ].*)?$"
# With anything behind the time of day, Spark reads a zone: Z, +8:00, +08:00:00, UTC, Europe/Berlin.
_ISO_LOCAL = r"^\d{4}-\d\d-\d\d(?:[T ][\d:.]*)?$"
# A time of day with an offset behind it: in 2024-03-01 the last dash is none.
_WITH_OFFSET = r":\d\d(?:\.\d+)? ?(?:Z|[+-]\d\d(?::?\d\d)?)$"


def with_time(
    events: DataFrame, logs: Logs, kind: pa.DataType | None, days: Sequence[str]
) -> DataFrame:
    """Add `time_ms` (bigint), null where a row tells no time, or none of a plausible era.

    What is told of another era stands in `TOLD_MS` (double). `kind` is the type in which
    Parquet holds the time, None of text; `days` are the folders' days.
    """
    first, last = _era(logs, days)
    told = _milliseconds_of(column_named(logs.time), logs, kind)
    with_told = events.withColumn(TOLD_MS, told)
    inside = F.col(TOLD_MS).between(first, last)
    return with_told.withColumns(
        {
            TIME_MS: F.when(inside, F.col(TOLD_MS).try_cast("bigint")),
            TOLD_MS: F.when(~inside, F.col(TOLD_MS).cast("double")),
        }
    )


def milliseconds(logs: Logs, kind: pa.DataType | None) -> Column:
    """The milliseconds (bigint) of any era that a row tells, null where it tells no time."""
    return _milliseconds_of(column_named(logs.time), logs, kind).try_cast("bigint")


def demand_plausible_times(marked: DataFrame, logs: Logs) -> None:
    """Insist that most rows that tell a time tell one of a plausible era.

    Raises Refused, naming the unit that would fit.
    """
    (found,) = marked.agg(
        F.count(TOLD_MS).alias("wrong"),
        F.count(TIME_MS).alias("right"),
        F.percentile_approx(TOLD_MS, 0.5).alias("typical"),
    ).collect()
    if found["wrong"] <= found["right"]:
        return
    told = found["wrong"] + found["right"]
    raise Refused(
        f"column {logs.time}: read as {logs.time_format!r}, {found['wrong']:,} of {told:,} times "
        f"lie outside {ERA[0].year} to {ERA[1].year}; {_advice(logs, found['typical'])}"
    )


def day_start(day: Column, timezone: str) -> Column:
    """The first millisecond (bigint, UTC) of a date in an IANA time zone."""
    return _on_clocks(day.cast("timestamp"), timezone)


def _advice(logs: Logs, typical: float) -> str:
    if logs.time_format in UNITS:
        number = typical * UNITS[logs.time_format] / UNITS["ms"]
        unit = fitting_unit(number)
        if unit is not None:
            return f"such as {number:.0f} are a time in {unit!r}: say logs.time_format = {unit!r}"
    return "where that is right, say logs.first_day and logs.last_day"


def _era(logs: Logs, days: Sequence[str]) -> tuple[int, int]:
    """The first and last millisecond of a plausible time: the window's years at least."""
    told = [date.fromisoformat(day).year for day in (*days, logs.first_day, logs.last_day) if day]
    first = max(min([ERA[0].year, *(year - 1 for year in told)]), date.min.year)
    end = min(max([ERA[1].year, *(year + 2 for year in told)]), date.max.year)
    return midnight_ms(date(first, 1, 1), "UTC"), midnight_ms(date(end, 1, 1), "UTC") - 1


def _milliseconds_of(value: Column, logs: Logs, kind: pa.DataType | None) -> Column:
    """The milliseconds that a spelled value tells, whole (decimal or bigint), null for none."""
    if kind is not None and pa.types.is_temporal(kind):
        moment = value.try_cast("timestamp")
        is_instant = pa.types.is_timestamp(kind) and kind.tz is not None
        return F.unix_millis(moment) if is_instant else _on_clocks(moment, logs.timezone)
    if logs.time_format in UNITS:
        milliseconds = F.lit(Decimal(UNITS["ms"]) / UNITS[logs.time_format])
        return F.floor(value.try_cast(_EXACT) * milliseconds)
    return _milliseconds_of_text(value, logs)


def _milliseconds_of_text(value: Column, logs: Logs) -> Column:
    if logs.time_format == ISO:
        moment = F.when(value.rlike(_ISO), value.try_cast("timestamp"))
    elif logs.time_year is not None:
        dated = F.concat(F.lit(f"{logs.time_year} "), value)
        moment = F.try_to_timestamp(dated, F.lit(f"yyyy {logs.time_format}"))
    else:
        moment = F.try_to_timestamp(value, F.lit(logs.time_format))
    instant, local = F.unix_millis(moment), _on_clocks(moment, logs.timezone)
    match offset_of(logs.time_format):
        case Offset.ALWAYS:
            return instant
        case Offset.NEVER:
            return local
        case Offset.PERHAPS:
            is_iso = logs.time_format == ISO
            has_zone = ~value.rlike(_ISO_LOCAL) if is_iso else value.rlike(_WITH_OFFSET)
            return F.when(has_zone, instant).otherwise(local)


def _on_clocks(moment: Column, timezone: str) -> Column:
    """The milliseconds of a moment, which the session read as UTC, on a time zone's clocks."""
    return F.unix_millis(F.to_utc_timestamp(moment, timezone))

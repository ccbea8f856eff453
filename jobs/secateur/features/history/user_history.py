"""The user's last items before an event, of all days or of the session, point in time.

An event is known from its own time on, or, where it came late, from the beginning of the day that
it arrived on. For an event of user u at time t: of the events of u known strictly before t, those
that count (the positive ones where `positives_only`) and hold what the history is made of, the
`length` known last, oldest first. Of simultaneous events none sees another; among themselves they
stand in the order of their values' code points, so that no accident of a file decides.

A history lives on moments: all of a user that became known in one millisecond. Each moment holds
the last `length` values up to itself, and an event takes those of the latest moment before its own.
A window collects at most `length` moments, and its rows are narrow. A service keeps the `length`
values of a user that it learned last, in the order of their times.
"""

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F  # noqa: N812

from secateur.contracts.features import TYPES_SUFFIX
from secateur.features.days.event_window import ROW
from secateur.features.days.lateness import known_from
from secateur.features.history.sessions import SESSION, Sessions
from secateur.scenario import FieldSpec
from secateur.scenario.raw_log.column_names import INTERNAL
from secateur.spark import column_named

_USER, _MS = f"{INTERNAL}user", f"{INTERNAL}ms"
_NOW, _UP_TO_NOW = f"{INTERNAL}now", f"{INTERNAL}up_to_now"
_ITEMS = "array<struct<ms:bigint,item:string,type:string>>"


def enters(spec: FieldSpec) -> Column:
    """Whether an event enters later histories: it holds the item, and its type where asked for."""
    there = column_named(str(spec.shares)).isNotNull()
    if spec.type is not None:
        there = there & column_named(spec.type).isNotNull()
    return there & (F.col("label") == 1) if spec.positives_only else there


def enters_history(table: pa.Table, spec: FieldSpec) -> pa.ChunkedArray:
    """Bool [rows]: the same of each of a worker's rows."""
    there = pc.is_valid(table[str(spec.shares)])
    if spec.type is not None:
        there = pc.and_(there, pc.is_valid(table[spec.type]))
    return pc.and_(there, pc.equal(table["label"], 1)) if spec.positives_only else there


def history(events: DataFrame, spec: FieldSpec, sessions: Sessions) -> DataFrame:
    """`day`, `ROW`, and the columns of the history: `array<string>` each, empty for none."""
    events = sessions.add_to(events) if spec.within else events.withColumn(SESSION, F.lit(0))
    whose = (column_named(sessions.user).alias(_USER), F.col(SESSION))
    asked = events.select("day", ROW, *whose, F.col("time_ms").alias(_MS))
    known = _moments(events.where(enters(spec) & F.col(SESSION).isNotNull()), spec, sessions)
    stream = asked.unionByName(known, allowMissingColumns=True)
    moment = Window.partitionBy(_USER, SESSION).orderBy(_MS)
    before = moment.rangeBetween(Window.unboundedPreceding, -1)
    last = F.coalesce(F.last(_UP_TO_NOW, ignorenulls=True).over(before), F.array().cast(_ITEMS))
    found = stream.select("day", ROW, last.alias(_NOW)).where(F.col(ROW).isNotNull())
    columns = {spec.name: F.col(f"{_NOW}.item")}
    if spec.type is not None:
        columns[spec.name + TYPES_SUFFIX] = F.col(f"{_NOW}.type")
    return found.select("day", ROW, *(column.alias(name) for name, column in columns.items()))


def _moments(entering: DataFrame, spec: FieldSpec, sessions: Sessions) -> DataFrame:
    """User, moment, and the last `length` items, by time, that were known with that moment."""
    kind = F.lit(None) if spec.type is None else column_named(spec.type)
    columns = {
        "ms": F.col("time_ms"),
        "item": column_named(str(spec.shares)),
        "type": kind.cast("string"),
    }
    item = F.struct(*(column.alias(name) for name, column in columns.items()))
    known = known_from(sessions.timezone).alias(_MS)
    moment = (column_named(sessions.user).alias(_USER), F.col(SESSION), known)
    now = entering.groupBy(*moment).agg(F.array_sort(F.collect_list(item)).alias(_NOW))
    recent = Window.partitionBy(_USER, SESSION).orderBy(_MS).rowsBetween(1 - spec.length, 0)
    items = F.flatten(F.collect_list(_NOW).over(recent))
    last = F.slice(items, F.greatest(F.size(items) - spec.length + 1, F.lit(1)), spec.length)
    return now.select(_USER, SESSION, _MS, F.array_sort(last).cast(_ITEMS).alias(_UP_TO_NOW))

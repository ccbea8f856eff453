"""Every raw row is kept, quarantined under at least one reason, or dropped as a repetition."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import reduce
from operator import or_
from zoneinfo import ZoneInfo

from pyspark.errors import AnalysisException, ParseException
from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F  # noqa: N812

from secateur.contracts.errors import Refused, ScenarioError
from secateur.events.hashing import PADS, hash_of, with_pads
from secateur.events.reading import (
    DAY,
    MALFORMED,
    SOURCE,
    canonical,
    canonical_columns,
    join_sides,
    read_events,
)
from secateur.events.window import RawLog
from secateur.scenario import Cleaning, Label, Logs

REASONS = "reasons"
REPETITION = "_repetition"
TIME_MS = "time_ms"
LABEL = "label"
_HASH, _ROW = "_hash", "_row"


@dataclass(frozen=True)
class Rules:
    """The sections of a scenario that say what a usable row is."""

    logs: Logs
    label: Label
    cleaning: Cleaning


def mark(spark: SparkSession, log: RawLog, rules: Rules, key: bytes) -> DataFrame:
    """Read the log and give every row its `reasons`: an array, empty for a usable row.

    Raises Refused where the log lacks a column that the rules name, ScenarioError where a rule is
    no Spark SQL predicate over the log's columns.
    """
    _demand_columns(log, rules)
    events = _spelled(spark, log, rules, key).persist()
    return events.withColumn(REASONS, _reasons(events, log.days, rules))


def _spelled(spark: SparkSession, log: RawLog, rules: Rules, key: bytes) -> DataFrame:
    """The log's columns in canonical spelling, beside them the user's hash and the row as it was.

    It is worth persisting: two outputs are made of it, and Spark would otherwise push their
    predicates down to the files, spelling every column again for each mention.
    """
    raw = with_pads(read_events(spark, log), key)
    raw = raw.withColumn(_HASH, hash_of(canonical(F.col(rules.logs.user))))
    raw = raw.withColumn(_ROW, _row_without_user(log.columns, rules.logs.user)).drop(*PADS)
    events = canonical_columns(raw, log.columns, rules.cleaning.missing)
    return events.withColumn(TIME_MS, F.col(rules.logs.time_ms).try_cast("bigint"))


def quarantined(marked: DataFrame) -> DataFrame:
    """The unusable rows as evidence: source file, day, reasons, and the row without its user.

    The user's column holds the keyed hash. In a malformed row nobody knows which column that is,
    so every field is hashed: its shape stays visible, and a holder of the key can look it up.
    """
    return marked.where(F.size(REASONS) > 0).select(
        F.col(SOURCE).alias("source"), DAY, REASONS, F.col(_ROW).alias("row")
    )


def usable(marked: DataFrame, log: RawLog, rules: Rules) -> DataFrame:
    """The rows without a reason; `_repetition` tells those that repeat an earlier one.

    Of the rows equal in `deduplicate_on`, the first by all of the log's columns and its file is
    the one to keep.
    """
    same = Window.partitionBy(*rules.cleaning.deduplicate_on).orderBy(*log.columns, SOURCE)
    good = marked.where(F.size(REASONS) == 0)
    return good.withColumn(REPETITION, F.row_number().over(same) > 1)


def events_of(usable_rows: DataFrame, log: RawLog, rules: Rules) -> DataFrame:
    """Each event once, with its side columns, each day in one partition.

    Canonical strings, but `time_ms` bigint and `label` 0 or 1; the user is a keyed hash.
    """
    logs = rules.logs
    once = usable_rows.where(~F.col(REPETITION)).repartition(DAY)
    joined = join_sides(once, log, logs.sides, rules.cleaning.missing)
    user = F.col(_HASH).alias(logs.user)
    own = {TIME_MS, LABEL, DAY, logs.time_ms}
    return joined.select(
        *(user if c == logs.user else F.col(c) for c in _all_columns(log, logs) if c not in own),
        F.col(TIME_MS),
        F.col(rules.label.column).cast("int").alias(LABEL),
        F.col(DAY),
    )


def _row_without_user(columns: Sequence[str], user: str) -> Column:
    shown = [F.col(_HASH).alias(name) if name == user else F.col(name) for name in columns]
    whole = F.to_csv(F.struct(*shown), {"escape": '"'})
    hashed = F.concat_ws(",", F.transform(F.split(MALFORMED, ","), hash_of))
    return F.when(F.col(MALFORMED).isNull(), whole).otherwise(hashed)


def _reasons(frame: DataFrame, days: Sequence[str], rules: Rules) -> Column:
    is_time, label = F.col(TIME_MS).isNotNull(), F.col(rules.label.column)
    found = {
        "time_unparsable": ~is_time,
        "time_off_day": is_time & ~_on_its_day(days, rules.logs.timezone),
        "user_missing": F.col(rules.logs.user).isNull(),
        "item_missing": F.col(rules.logs.item).isNull(),
        "label_not_binary": label.isNull() | ~label.isin("0", "1"),
        **{rule.code: _predicate(frame, rule.code, rule.bad) for rule in rules.cleaning.rules},
    }
    codes = [F.when(bad, F.lit(code)) for code, bad in found.items()]
    malformed = F.array(F.lit("malformed"))
    return F.when(F.col(MALFORMED).isNotNull(), malformed).otherwise(F.array_compact(F.array(*codes)))


def _predicate(frame: DataFrame, code: str, bad: str) -> Column:
    try:
        frame.where(bad)
    except (AnalysisException, ParseException) as error:
        first = str(error).splitlines()[0]
        raise ScenarioError(f"cleaning.rules {code}: {bad!r}: {first}") from error
    return F.coalesce(F.expr(bad), F.lit(False))


def _on_its_day(days: Sequence[str], timezone: str) -> Column:
    """Whether the event's own time lies on its folder's day, as clocks in `timezone` tell it."""
    zone = ZoneInfo(timezone)

    def midnight(day: date) -> int:
        return int(datetime.combine(day, time(), zone).astimezone(UTC).timestamp()) * 1000

    def within(name: str) -> Column:
        day = date.fromisoformat(name)
        after, before = midnight(day), midnight(day + timedelta(days=1))
        return (F.col(DAY) == name) & (F.col(TIME_MS) >= after) & (F.col(TIME_MS) < before)

    return reduce(or_, map(within, days))


def _demand_columns(log: RawLog, rules: Rules) -> None:
    logs = rules.logs
    needed = {logs.user, logs.item, logs.time_ms, rules.label.column}
    lacking = sorted((needed | set(rules.cleaning.deduplicate_on)) - set(log.columns))
    if lacking:
        raise Refused(f"{log.events[0].key} has no column {lacking}; it has {list(log.columns)}")
    names = _all_columns(log, logs)
    own = {TIME_MS, LABEL, DAY, REASONS} - {logs.time_ms, rules.label.column}
    clash = sorted({name for name in names if names.count(name) > 1 or name in own})
    if clash:
        raise Refused(f"columns {clash} of the log or its side tables are taken: rename them")
    unknown = sorted(set(rules.cleaning.missing) - set(names))
    if unknown:
        raise ScenarioError(f"cleaning.missing names columns the log does not have: {unknown}")


def _all_columns(log: RawLog, logs: Logs) -> list[str]:
    """Columns of the log, then of its side tables, without the keys that join them."""
    sides = ((log.sides[side.name].columns, side.key) for side in logs.sides)
    return [*log.columns, *(c for columns, key in sides for c in columns if c != key)]

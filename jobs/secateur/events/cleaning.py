"""Every raw row is kept, quarantined under at least one reason, or dropped as a repetition."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pyarrow as pa
from pyspark.errors import AnalysisException, ParseException
from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F  # noqa: N812

from secateur.contracts.errors import Refused, ScenarioError
from secateur.events.hashing import hash_of, with_pads
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
_HASH, _RAW = "_hash", "_raw"
_FIRST_MS, _LAST_MS = "_first_ms", "_last_ms"


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
    raw = with_pads(read_events(spark, log), key)
    raw = raw.withColumn(_HASH, hash_of(canonical(F.col(rules.logs.user))))
    raw = raw.withColumn(_RAW, _without_user(log.columns, rules.logs.user))
    events = canonical_columns(raw, log.columns, rules.cleaning.missing)
    events = events.withColumn(TIME_MS, F.col(rules.logs.time_ms).try_cast("bigint"))
    midnights = _midnights(spark, log.days, rules.logs.timezone)
    events = events.join(F.broadcast(midnights), on=DAY, how="left")
    return events.withColumn(REASONS, _reasons(events, rules))


def quarantined(marked: DataFrame) -> DataFrame:
    """The unusable rows as evidence: source file, day, reasons, and the row without its user.

    The user's column holds the keyed hash. In a malformed row nobody knows which column that is,
    so every field is hashed: its shape stays visible, and a holder of the key can look it up.
    """
    whole = F.to_csv(_RAW, {"escape": '"'})
    hashed = F.concat_ws(",", F.transform(F.split(MALFORMED, ","), hash_of))
    row = F.when(F.col(MALFORMED).isNull(), whole).otherwise(hashed)
    return marked.where(F.size(REASONS) > 0).select(
        F.col(SOURCE).alias("source"), DAY, REASONS, row.alias("row")
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


def _without_user(columns: Sequence[str], user: str) -> Column:
    return F.struct(
        *(F.col(_HASH).alias(name) if name == user else F.col(name) for name in columns)
    )


def _reasons(frame: DataFrame, rules: Rules) -> Column:
    label = F.col(rules.label.column)
    found = {
        "time_unparsable": F.col(TIME_MS).isNull(),
        "time_off_day": ~F.col(TIME_MS).between(F.col(_FIRST_MS), F.col(_LAST_MS)),
        "user_missing": F.col(rules.logs.user).isNull(),
        "item_missing": F.col(rules.logs.item).isNull(),
        "label_not_binary": label.isNull() | ~label.isin("0", "1"),
        **{rule.code: _predicate(frame, rule.code, rule.bad) for rule in rules.cleaning.rules},
    }
    codes = [F.when(bad, F.lit(code)) for code, bad in found.items()]
    malformed = F.array(F.lit("malformed"))
    return F.when(F.col(MALFORMED).isNotNull(), malformed).otherwise(
        F.array_compact(F.array(*codes))
    )


def _predicate(frame: DataFrame, code: str, bad: str) -> Column:
    try:
        frame.where(bad)
    except (AnalysisException, ParseException) as error:
        first = str(error).splitlines()[0]
        raise ScenarioError(f"cleaning.rules {code}: {bad!r}: {first}") from error
    return F.coalesce(F.expr(bad), F.lit(False))


def _midnights(spark: SparkSession, days: Sequence[str], timezone: str) -> DataFrame:
    """The first and last millisecond of each day, as clocks in `timezone` tell it.

    Joined to the events, and no part of an expression over them, it also keeps Spark from pushing
    the test of the reasons below the spelling of columns, which it would then do once a mention.
    """
    zone = ZoneInfo(timezone)

    def midnight(day: date) -> int:
        return int(datetime.combine(day, time(), zone).timestamp()) * 1000

    dates = [date.fromisoformat(day) for day in days]
    table = {
        DAY: list(days),
        _FIRST_MS: [midnight(d) for d in dates],
        _LAST_MS: [midnight(d + timedelta(days=1)) - 1 for d in dates],
    }
    return spark.createDataFrame(pa.table(table))


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

"""Every raw row is kept, filtered, quarantined for its reasons, or dropped as a repetition."""

from datetime import date

from pyspark.errors import AnalysisException, ParseException
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F  # noqa: N812

from secateur.contracts.data import HISTORY_ONLY
from secateur.contracts.errors import Refused, ScenarioError
from secateur.events import labelling
from secateur.events.cleaning_context import CleaningContext, Rules
from secateur.events.columns.expressions import with_expressions
from secateur.events.columns.keyed_hash import hash_of, with_pads
from secateur.events.instants import TIME_MS, TOLD_MS, day_start, with_time
from secateur.events.labelling import LABEL
from secateur.events.raw_files import RawLog
from secateur.events.raw_rows import (
    DAY,
    FAULT,
    FIRST_MS,
    LAST_MS,
    REPEATED_HEADER,
    SOURCE,
    TEXT,
)
from secateur.events.spark_spelling import canonical_column, canonical_of
from secateur.local_days import midnight_ms
from secateur.scenario import Logs, context_of
from secateur.scenario.raw_log.column_names import INTERNAL
from secateur.scenario.sections.tables import DELIMITERS
from secateur.spark import column_named, local_date

REASONS, ROW = f"{INTERNAL}reasons", f"{INTERNAL}row"
FILTERED, _IS_HEADER = f"{INTERNAL}filtered", f"{INTERNAL}is_header"
TIME_FUTURE = "time_future"
_HASH = f"{INTERNAL}hash"
_FIRST_OF_ALL = midnight_ms(date(1000, 1, 1), "UTC")  # earlier and later days have no ISO name
_LAST_OF_ALL = midnight_ms(date(9999, 12, 31), "UTC") - 1
_MINUTE_MS = 60_000


def mark(raw: DataFrame, log: RawLog, context: CleaningContext) -> DataFrame:
    """Give each row of `raw_rows` its `reasons`: an array, empty for a usable or filtered row.

    Columns: the log's as canonical strings, the user's a keyed hash; `time_ms`, `day`, `_source`,
    `_filtered`; `row`, the whole row as text where it has reasons or may get them. Raises Refused
    where the log lacks a column that the rules name, ScenarioError where a rule is no Spark SQL
    predicate over its columns.
    """
    rules, logs = context.rules, context.rules.logs
    demand_log_columns(log, rules)
    parsed = with_pads(raw, context.id_key).withColumn(_HASH, hash_of(canonical_of(logs.user)))
    parsed = parsed.withColumn(ROW, _row_text(log, rules))
    names = [name for name in log.columns if name != logs.user]
    spelled = (canonical_column(name, rules.cleaning.missing) for name in names)
    user = canonical_column(logs.user, rules.cleaning.missing)
    kept = (_HASH, ROW, FAULT, SOURCE, DAY, FIRST_MS, LAST_MS)
    events = parsed.select(*spelled, user, *kept)
    events = with_time(events, logs, log.stored_type(logs.time), log.days)
    is_flat = logs.layout == "flat"
    if is_flat:
        events = _with_day_of_time(events, logs)
    events = events.withColumn(FILTERED, _is_filtered(events, rules) | is_erased(_HASH, context))
    reasons = F.when(F.col(FILTERED), F.array().cast("array<string>")).otherwise(
        _reasons(events, rules)
    )
    events = events.withColumn(REASONS, reasons)
    return events.select(
        *(
            F.col(_HASH).alias(c) if c == logs.user else column_named(c)
            for c in sorted(log.columns)  # in one order, however a file's form orders them
            if c != TIME_MS
        ),
        F.least(TIME_MS, LAST_MS).alias(TIME_MS),
        TOLD_MS,
        DAY,
        SOURCE,
        REASONS,
        FILTERED,
        # A flat log's days are not known yet, and so not which rows are in the future.
        F.when((F.size(REASONS) > 0) | F.lit(is_flat), F.col(ROW)).alias(ROW),
    )


def _with_day_of_time(events: DataFrame, logs: Logs) -> DataFrame:
    """The rows of a flat log with the local day of their time, and its bounds as the day's own."""
    day = F.date_format(local_date(F.col(TIME_MS), logs.timezone), "yyyy-MM-dd")
    has_name = F.col(TIME_MS).between(_FIRST_OF_ALL, _LAST_OF_ALL)
    first, last = F.lit(_FIRST_OF_ALL), F.lit(_LAST_OF_ALL)
    return events.withColumns({DAY: F.when(has_name, day), FIRST_MS: first, LAST_MS: last})


def _is_filtered(frame: DataFrame, rules: Rules) -> Column:
    """Whether the scenario leaves a row out; one that cannot be parsed is quarantined instead."""
    where = rules.cleaning.where
    if where is None:
        return F.lit(False)
    return F.col(FAULT).isNull() & ~_predicate(frame, "cleaning.where", where)


def is_erased(hashed: str, context: CleaningContext) -> Column:
    """Whether a column of keyed hashes names a user of whom nothing may be kept."""
    if not context.erasures:
        return F.lit(False)
    return F.coalesce(column_named(hashed).isin(*context.erasures), F.lit(False))


def quarantined_rows(marked: DataFrame) -> DataFrame:
    """The unusable rows: source file, day, reasons, and the row as text with its user hashed.

    Of the lines that spell a file's header, one is the header and no row.
    """
    rejected = marked.where(F.size(REASONS) > 0)
    same = Window.partitionBy(SOURCE, REASONS).orderBy(ROW)
    is_header = F.array_contains(REASONS, REPEATED_HEADER) & (F.row_number().over(same) == 1)
    rows = rejected.withColumn(_IS_HEADER, is_header).where(~F.col(_IS_HEADER))
    why, row = F.col(REASONS).alias("reasons"), F.col(ROW).alias("row")
    return rows.select(F.col(SOURCE).alias("source"), DAY, why, row)


def events_of(once: DataFrame, log: RawLog, rules: Rules) -> DataFrame:
    """Labelled events of rows without a repetition, each day in one partition.

    Canonical strings, but `time_ms` bigint and `label` 0 or 1; the user is a keyed hash. A time
    column of another name is gone.
    """
    labelled = labelling.label_and_context(once, rules.label, rules.logs.item)
    labelled = with_expressions(labelled, rules.logs)
    own = {TIME_MS, LABEL, DAY, rules.logs.time, SOURCE}
    columns = [column_named(name) for name in labelled.columns if name not in own]
    return labelled.select(*columns, TIME_MS, F.col(LABEL).cast("int"), DAY).repartition(DAY)


def _row_text(log: RawLog, rules: Rules) -> Column:
    """The row as its format spells it, with the keyed hash for the user.

    In a row that cannot be parsed nobody knows which part that is, so every part is hashed: its
    shape stays visible, and a holder of the key can look it up.
    """
    logs = rules.logs
    fields = F.struct(
        *(F.col(_HASH).alias(c) if c == logs.user else column_named(c) for c in log.columns)
    )
    if logs.format in DELIMITERS:
        separator = logs.separator
        whole = F.to_csv(fields, {"escape": '"', "sep": separator})
        parts = F.split(TEXT, labelling.literally(separator))
        hashed = F.array_join(F.transform(parts, hash_of), separator)
    else:
        whole = F.to_json(fields, {"ignoreNullFields": "false"})
        hashed = hash_of(F.col(TEXT))
    header = F.when(F.col(FAULT) == REPEATED_HEADER, F.col(TEXT)).otherwise(hashed)
    return F.when(F.col(FAULT).isNull(), whole).otherwise(header)


def _reasons(frame: DataFrame, rules: Rules) -> Column:
    logs, cleaning = rules.logs, rules.cleaning
    item = labelling.context_faults(frame, rules.label, logs.item)
    learned = ~labelling.is_context(frame, rules.label)
    late = F.col(FIRST_MS)
    if cleaning.late_days:  # by the calendar: not every day has 24 hours
        late = day_start(F.date_sub(F.to_date(DAY), cleaning.late_days), logs.timezone)
    future = F.col(LAST_MS) + F.lit(cleaning.future_minutes * _MINUTE_MS)
    found = {
        "time_unparsable": F.col(TIME_MS).isNull() & F.col(TOLD_MS).isNull(),
        "time_implausible": F.col(TOLD_MS).isNotNull(),
        "time_late": F.col(TIME_MS) < late,
        TIME_FUTURE: F.col(TIME_MS) > future,
        "user_missing": column_named(logs.user).isNull(),
        **item,
        **{code: learned & bad for code, bad in labelling.faults(rules.label).items()},
        **{
            rule.code: _predicate(frame, f"cleaning.rules {rule.code}", rule.bad)
            for rule in cleaning.rules
        },
    }
    codes = [F.when(bad, F.lit(code)) for code, bad in found.items()]
    return F.when(F.col(FAULT).isNotNull(), F.array(FAULT)).otherwise(
        F.array_compact(F.array(*codes))
    )


def _predicate(frame: DataFrame, key: str, sql: str) -> Column:
    """Whether the predicate that the scenario's `key` holds is true. Raises ScenarioError."""
    try:
        frame.where(sql)
    except (AnalysisException, ParseException) as error:
        first = str(error).splitlines()[0]
        raise ScenarioError(f"{key}: {sql!r}: {first}") from error
    return F.coalesce(F.expr(sql), F.lit(False))


def demand_log_columns(log: RawLog, rules: Rules) -> None:
    """Insist on the columns that the rules name. Raises Refused or ScenarioError."""
    logs = rules.logs
    item = () if labelling.shows_items(rules.label) else (logs.item,)
    shown = labelling.shown_list(rules.label)
    needed = {logs.user, logs.time, *item, *labelling.label_columns(rules.label)}
    needed |= set(shown.aligned.values())
    context = context_of(rules.label)
    needed |= {context.item} - {None} if context else set()
    lacking = sorted((needed | set(rules.cleaning.deduplicate_on)) - set(log.columns))
    if lacking:
        raise Refused(f"{log.events[0].key} has no column {lacking}; it has {list(log.columns)}")
    item_made = [logs.item] if labelling.shows_items(rules.label) else []
    counted = [name for name in (rules.cleaning.count_repetitions,) if name]
    item_made += [*shown.event_columns, *logs.expressions]
    sides = ((log.sides[side.name].columns, side.key) for side in logs.sides)
    of_sides = (name for columns, key in sides for name in columns if name != key)
    names = [*log.columns, *item_made, *counted, *of_sides]
    own = {TIME_MS, LABEL, DAY, HISTORY_ONLY, *labelling.task_columns(rules.label)}
    own -= {logs.time, *labelling.label_columns(rules.label)}
    clash = sorted({name for name in names if names.count(name) > 1 or name in own})
    if clash:
        raise Refused(f"columns {clash} of the log or its side tables are taken: rename them")
    unknown = sorted(set(rules.cleaning.missing) - set(names))
    if unknown:
        raise ScenarioError(f"cleaning.missing names columns the log does not have: {unknown}")

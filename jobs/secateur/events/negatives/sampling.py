"""Negative sampling, for a log that holds positives only.

For every positive (user u, item i, time t) up to `per_positive` distinct items are drawn from those
that are live at t: those with a positive known strictly before t and at most `live_hours` ago (see
`candidates` and `drawing`). What u took itself is never drawn: up to t (`past`), at t alone
(`event`), or in the whole window (`window`). Draws are hashes of the seed, the event and their
numbers, so they depend on no order and no partition.

A positive that could not have been drawn itself would tell its label: its item was not live yet
(`not_live`), or its user had taken it (`taken`); so would one without negatives (`none_drawn`).
Such an event is none of the rows that a model learns from. It stays for histories and counters, and
its reason stands in the column `history_only`, which is null in rows.

A task holds, of one step of time, a row for each item that lives and the step's positives as
integers; of the step's events as many as `EVENTS_A_TASK`, and their draws.
"""

from dataclasses import replace
from functools import partial
from pathlib import Path

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F  # noqa: N812

from secateur.contracts.artifact_files import DAY_FOLDER, EVENTS
from secateur.contracts.data import HISTORY_ONLY, CleaningCounts
from secateur.contracts.errors import ScenarioError
from secateur.events.clean_days import rows_in
from secateur.events.cleaning_context import CleaningContext
from secateur.events.columns.expressions import with_expressions
from secateur.events.event_set import event_files
from secateur.events.negatives.candidates import (
    AT,
    MOMENT,
    PART,
    STEP,
    DrawingRule,
    events_by_step,
    known_positives,
)
from secateur.events.negatives.drawing import DRAW, LIVE, Drawing, draw_step
from secateur.events.negatives.label_rates import count_rows
from secateur.events.raw_rows import DAY
from secateur.scenario import PurchaseLabel
from secateur.scenario.raw_log.column_names import INTERNAL
from secateur.spark import column_named, move_part, quoted_name, read_parquet, write_days

EVENTS_A_TASK = 1 << 20
_USER, _ITEM, _TIME = f"{INTERNAL}user", f"{INTERNAL}item", f"{INTERNAL}time"
_FIRST, _LAST = f"{INTERNAL}first", f"{INTERNAL}last"
_REASON, _PLACE = f"{INTERNAL}reason", f"{INTERNAL}place"
_DRAWS_A_WISH = 4  # draws for one negative: most of what a user did not take is drawn at once


def sample_negatives(
    context: CleaningContext, seed: int, counts: CleaningCounts, folder: Path
) -> CleaningCounts:
    """Replace the positives below an EventSet's `folder` by positives and sampled negatives.

    Gives the counts with what was drawn. Changes nothing where the label is not that of a purchase.
    """
    label, spark = context.rules.label, context.spark
    if not isinstance(label, PurchaseLabel) or not counts.events:
        return counts
    parts = -(-max(counts.days.values()) // EVENTS_A_TASK)
    rule = DrawingRule(context.rules.logs, label.negatives, parts)
    events = add_negatives(read_parquet(spark, event_files(folder)), rule, seed)
    order = list(dict.fromkeys(map(quoted_name, ("time_ms", *events.columns))))
    written = write_days(events.repartition(DAY), order, context.scratch / "sampled")
    days = {day: rows_in(file) for day, file in written.items()}
    for day, file in written.items():
        move_part(file, folder / EVENTS / f"{DAY_FOLDER}{day}")
    drawn = count_rows(read_parquet(spark, event_files(folder)), rule)
    sampled = sum(days.values()) - counts.events
    undrawn = (counts.events - drawn.left_out) * label.negatives.per_positive - sampled
    return replace(
        counts,
        days=counts.days | days,
        events=sum(days.values()),
        sampled=sampled,
        undrawn=undrawn,
        drawn=drawn,
    )


def add_negatives(positives: DataFrame, rule: DrawingRule, seed: int) -> DataFrame:
    """The positives and their sampled negatives, with the columns that both can have.

    `positives` hold `time_ms`, `label` 1, `day`, and strings. The log's `expressions` are worked
    out of each event's own columns. Raises ScenarioError where one reads a column that drawn events
    do not have.
    """
    logs, negatives = rule.logs, rule.negatives
    names = list(dict.fromkeys((logs.user, logs.item, *negatives.shared, *negatives.item_columns)))
    kept = [*map(column_named, names), F.col("time_ms"), F.col(DAY)]
    event = F.xxhash64(F.lit(seed), *map(column_named, positives.columns))
    asked = events_by_step(positives.select(*kept, event.alias(AT)), rule)
    free = _without_taken(_draw(asked, known_positives(positives, rule), rule), positives, rule)
    same = Window.partitionBy(AT, column_named(logs.user))
    is_event, alone = F.col(DRAW) < 0, F.count("*").over(same) == 1
    reason = F.coalesce(F.max(_REASON).over(same), F.when(alone, F.lit("none_drawn")))
    place = F.row_number().over(same.orderBy(DRAW))
    ranked = free.withColumns({HISTORY_ONLY: reason, _PLACE: place})
    chosen = F.col(HISTORY_ONLY).isNull() & (F.col(_PLACE) <= negatives.per_positive + 1)
    label = F.when(is_event, 1).otherwise(0).alias("label")
    rows = ranked.where(is_event | chosen).select(*kept, label, HISTORY_ONLY)
    try:
        return with_expressions(rows, logs)
    except ScenarioError as error:
        hint = "drawn events have no columns but those of label.negatives shared and item_columns"
        raise ScenarioError(f"{error}; {hint}") from error


def _draw(asked: DataFrame, known: DataFrame, rule: DrawingRule) -> DataFrame:
    """The events and the draws for each; see `draw_step`."""
    negatives = rule.negatives
    draws = _DRAWS_A_WISH * negatives.per_positive
    item, described = rule.logs.item, negatives.item_columns
    drawing = Drawing(item, described, draws, negatives.power, rule.step_ms)
    fields = (field for field in asked.schema if field.name not in (MOMENT, STEP, PART))
    types = [f"{quoted_name(f.name)} {f.dataType.simpleString()}" for f in fields]
    schema = ", ".join([*types, f"{DRAW} bigint", f"{LIVE} boolean"])
    by_step = asked.groupBy(STEP, PART).cogroup(known.groupBy(STEP, PART))
    return by_step.applyInArrow(partial(draw_step, drawing), schema)


def _without_taken(drawn: DataFrame, positives: DataFrame, rule: DrawingRule) -> DataFrame:
    """The events, each with its `_REASON` to be no row or null, and the draws that may be used."""
    names = {_USER: rule.logs.user, _ITEM: rule.logs.item}
    if rule.negatives.exclude == "event":
        names |= {_TIME: "time_ms"}
    keys = [column_named(name).alias(alias) for alias, name in names.items()]
    times = F.min("time_ms").alias(_FIRST), F.max("time_ms").alias(_LAST)
    taken = positives.groupBy(*keys).agg(*times)
    same = [column_named(name) == F.col(alias) for alias, name in names.items()]
    joined = drawn.join(taken, same, "left")
    before, now = _when_taken(rule.negatives.exclude)
    reason = F.when(~F.col(LIVE), F.lit("not_live")).when(before, F.lit("taken"))
    is_event = F.col(DRAW) < 0
    free = joined.where(is_event | ~F.coalesce(before | now, F.lit(False)))
    return free.withColumn(_REASON, F.when(is_event, reason))


def _when_taken(exclude: str) -> tuple[Column, Column]:
    """Whether the user took a row's item at another moment that counts; and at its own."""
    first, last, own = F.col(_FIRST), F.col(_LAST), F.col("time_ms")
    match exclude:
        case "past":
            return first < own, first == own
        case "event":
            return F.lit(False), first == own
        case _:
            return (first != own) | (last != own), first.isNotNull()

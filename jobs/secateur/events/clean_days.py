"""Raw rows into the cleaned days of a window, and the law that no row is lost.

A day cleaned once is kept: one sealed `EventDay` a day. A flat log has no files of a day's own: it
is cleaned as a whole every night, and nothing is kept.
"""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import pyarrow.parquet as pq
from pyspark import StorageLevel
from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F  # noqa: N812

from secateur import identity
from secateur.artifacts import Artifact, Draft
from secateur.contracts import record
from secateur.contracts.artifact_files import COUNTS, EVENTS, QUARANTINE
from secateur.contracts.data import DayCounts
from secateur.contracts.errors import Refused, SecateurError
from secateur.events.cleaning import events_of, mark, quarantined_rows
from secateur.events.cleaning_context import CleaningContext, Rules
from secateur.events.instants import TIME_MS, demand_plausible_times
from secateur.events.raw_files import RawLog
from secateur.events.raw_rows import DAY, demand_records, raw_rows, refusing_damage
from secateur.events.selection.flat_window import place_rows
from secateur.events.selection.marked_counts import UNKNOWN_DAY, MarkedCounts, count_marked
from secateur.events.selection.repetitions import REPETITION, most_repeated, usable_rows
from secateur.kept_days import KeptDays
from secateur.local_days import days_up_to
from secateur.spark import file_uri, move_part, quoted_name, write_days

_OF_THE_WINDOW = {"uri", "first_day", "last_day", "window_days", "closed"}

log = logging.getLogger("secateur")


def event_days(context: CleaningContext) -> KeptDays:
    """The EventDays of one log under one set of rules, in the state where they are kept.

    A day's events depend on the raw files of the day and of those that it may repeat, on the rules,
    on the key that hashes user ids and on the users that are erased.
    """
    rules, flat = context.rules, context.rules.logs.layout == "flat"

    def inputs(day: str) -> dict[str, str]:
        days = [] if flat else days_up_to(day, rules.cleaning.late_days + 1)
        files = {f.key: f.sha256 for f in context.log.events if flat or f.day in days}
        columns = record.digest(context.log.columns)
        sections = {
            "logs": rules.logs.model_dump(mode="json", exclude=_OF_THE_WINDOW | {"sides"}),
            "label": rules.label.model_dump(mode="json"),
            "cleaning": rules.cleaning.model_dump(mode="json"),
        }
        id_key = identity.fingerprint(context.id_key)
        erased = {"erased": record.digest(context.erasures)} if context.erasures else {}
        rules_of = {"rules": record.digest(sections), "columns": columns, "id_key": id_key}
        return files | rules_of | erased

    root = str(context.scratch / "state") if flat or not context.state else context.state
    return KeptDays(root, "clean_events", "EventDay", inputs)


def clean_days(context: CleaningContext, kept: KeptDays) -> tuple[dict[str, Artifact], int]:
    """Every day of the window as an EventDay, and how many rows of a flat log lie outside it.

    Days that are kept are opened, all others cleaned in one pass. Raises Refused where there is no
    row at all.
    """
    raw = context.log
    found = {day: kept.find(day) for day in raw.days}
    missing = [day for day, artifact in found.items() if artifact is None]
    log.info("cleaning %s days, %d are kept", len(missing) or "all", len(found) - len(missing))
    days = {day: artifact for day, artifact in found.items() if artifact is not None}
    outside = 0
    if missing or not raw.days:
        part = _files_of(raw, context.rules, missing)
        rows = sum(file.records - (file.header is not None) for file in part.events)
        marked, counts = _stage(context, part)
        if not raw.days:
            marked, window = place_rows(marked, counts.by_day, context.rules.logs)
            missing, counts = [*window, UNKNOWN_DAY], count_marked(marked)
        days |= _seal_days(context, marked, counts, missing, kept)
        elsewhere = counts.elsewhere(missing)
        _demand_no_row_lost(missing, days, rows, elsewhere)
        outside = 0 if raw.days else elsewhere
    if not outside and not any(day.read(COUNTS, DayCounts).rows_in for day in days.values()):
        raise Refused(f"no row in {len(raw.events)} files, such as {raw.events[0].key}")
    return dict(sorted(days.items())), outside


def _files_of(raw: RawLog, rules: Rules, missing: Sequence[str]) -> RawLog:
    """The log's files that these days depend on; all of a flat log's."""
    if not raw.days:
        return raw
    late = rules.cleaning.late_days
    wanted = {day for one in missing for day in days_up_to(one, late + 1)}
    events = tuple(file for file in raw.events if file.day in wanted)
    return RawLog(tuple(missing), events, raw.sides)


def _stage(context: CleaningContext, part: RawLog) -> tuple[DataFrame, MarkedCounts]:
    """The marked rows, parsed once and kept in `scratch`, and how many they are."""
    target, logs = file_uri(context.scratch / "marked"), context.rules.logs
    with refusing_damage(part.events):
        raw = raw_rows(context.spark, part.events, logs, logs.timezone)
        marked = mark(raw, part, context)
        marked.write.option("compression", "lz4").parquet(target)
    marked = context.spark.read.schema(marked.schema).parquet(target)
    counts = count_marked(marked)
    demand_records(counts.by_file, part.events)
    if not counts.times_fit:
        demand_plausible_times(marked, logs)
    return marked, counts


def _seal_days(
    context: CleaningContext,
    marked: DataFrame,
    counts: MarkedCounts,
    days: Sequence[str],
    kept: KeptDays,
) -> dict[str, Artifact]:
    """Seal these days of the marked rows, which `counts` counts."""
    rules, scratch = context.rules, context.scratch
    by_day = marked.withColumn(DAY, F.coalesce(DAY, F.lit(UNKNOWN_DAY)))
    quarantine = _write_quarantine(by_day, days, scratch) if counts.any_rejected else {}
    good = usable_rows(by_day, context.log, rules).where(F.col(DAY).isin(*days))
    # Not in memory too: a large log's parts, unrolled beside their sorts, ended a small heap.
    good = good.persist(StorageLevel.DISK_ONLY)
    once = events_of(good.where(~F.col(REPETITION)).drop(REPETITION), context.log, rules)
    events = write_days(once, _event_order(once, rules), scratch / EVENTS)
    repeated = F.count_if(REPETITION).alias("deduplicated")
    unique = F.count_if(~F.col(REPETITION)).alias("kept")
    counted = {row[DAY]: row for row in good.groupBy(DAY).agg(unique, repeated).collect()}
    filtered = counts.filtered_rows
    repeated_keys = most_repeated(good, rules) if _any_repeated(counted) else {}
    good.unpersist()
    sealed = {}
    for day in days:
        files = {EVENTS: events.get(day), QUARANTINE: quarantine.get(day)}
        found = _day_counts(counted.get(day), filtered[day], files)
        found = replace(found, most_repeated=dict(repeated_keys.get(day, {})))
        if day != UNKNOWN_DAY or found.rows_in:
            sealed[day] = kept.keep(day, partial(_write_day, files, found))
    return sealed


def _write_quarantine(by_day: DataFrame, days: Sequence[str], scratch: Path) -> dict[str, Path]:
    """The files of these days' unusable rows, by day."""
    rejected = quarantined_rows(by_day).where(F.col(DAY).isin(*days))
    return write_days(rejected.repartition(DAY), rejected.columns, scratch / QUARANTINE)


def _write_day(files: Mapping[str, Path | None], counts: DayCounts, draft: Draft) -> None:
    """Put a day's written files, None where it has no such row, and its counts into a draft."""
    for name, file in files.items():
        if file is not None:
            move_part(file, draft.folder / name)
    draft.write(COUNTS, counts)


def _any_repeated(counted: Mapping[str, Row]) -> bool:
    return any(row["deduplicated"] for row in counted.values())


def _day_counts(counted: Row | None, filtered: int, files: Mapping[str, Path | None]) -> DayCounts:
    events, quarantine = files[EVENTS], files[QUARANTINE]
    kept, deduplicated = (counted["kept"], counted["deduplicated"]) if counted else (0, 0)
    quarantined = rows_in(quarantine) if quarantine else 0
    reasons: Counter[str] = Counter()
    if quarantine:
        for of_row in pq.read_table(quarantine, columns=["reasons"])["reasons"].to_pylist():
            reasons.update(of_row)
    return DayCounts(
        rows_in=kept + deduplicated + quarantined + filtered,
        kept=kept,
        quarantined=quarantined,
        deduplicated=deduplicated,
        reasons=dict(sorted(reasons.items())),
        events=rows_in(events) if events else 0,
        filtered=filtered,
    )


def _event_order(events: DataFrame, rules: Rules) -> list[str]:
    """A total order of the events: time, what they are deduplicated on, then all the rest."""
    keys = (TIME_MS if c == rules.logs.time else c for c in rules.cleaning.deduplicate_on)
    names = dict.fromkeys((TIME_MS, *keys, *events.columns))
    return [quoted_name(name) for name in names if name in events.columns]


def _demand_no_row_lost(
    days: Sequence[str], sealed: Mapping[str, Artifact], rows: int, elsewhere: int
) -> None:
    """Insist that each of the raw `rows` is of a day or elsewhere. Raises SecateurError."""
    accounted = sum(sealed[day].read(COUNTS, DayCounts).rows_in for day in days if day in sealed)
    if rows != accounted + elsewhere:
        raise SecateurError(f"{rows} rows came in, but {accounted + elsewhere} are accounted for")


def rows_in(file: Path) -> int:
    """Rows of a Parquet file."""
    return int(pq.read_metadata(file).num_rows)

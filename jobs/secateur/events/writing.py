"""Raw rows into the cleaned days of a window, and the law that no row is lost."""

import logging
from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet as pq
from pyspark import StorageLevel
from pyspark.sql import DataFrame, Observation, Row, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from secateur.artifacts import Artifact
from secateur.contracts.data import DayCounts
from secateur.contracts.errors import Refused, SecateurError
from secateur.events.cleaning import (
    REASONS,
    REPETITION,
    TIME_MS,
    Rules,
    events_of,
    mark,
    quarantined,
    usable,
)
from secateur.events.days import EVENTS, QUARANTINE, DayStore, earlier
from secateur.events.hashing import hash_of, with_pads
from secateur.events.reading import DAY, FAULT, REPEATED_HEADER, SOURCE, raw_rows, side_rows
from secateur.events.window import RawFile, RawLog, window_of
from secateur.spark import file_uri, named, place, write_days, write_one

UNKNOWN_DAY = "unknown"
SIDES = "sides"

log = logging.getLogger("secateur")


def clean_days(
    spark: SparkSession, raw: RawLog, rules: Rules, key: bytes, store: DayStore, scratch: Path
) -> tuple[dict[str, Artifact], int]:
    """Every day of the window as an EventDay, and how many rows of a flat log lie outside it.

    Days that are kept are opened, all others cleaned in one pass. Raises Refused where there is no
    row at all.
    """
    found = {day: store.find(day) for day in raw.days}
    missing = [day for day, kept in found.items() if kept is None]
    log.info("cleaning %s days, %d are kept", len(missing) or "all", len(found) - len(missing))
    days = {day: kept for day, kept in found.items() if kept is not None}
    outside = 0
    if missing or not raw.days:
        marked, observed = _stage(spark, _part(raw, rules, missing), rules, key, scratch)
        if not raw.days:
            missing, outside = _days_of_flat(marked, rules)
        days |= _write(marked, raw, rules, store, missing, scratch)
        _demand_law(marked, raw, missing, days, observed)
    if not any(a.read("counts.json", DayCounts).rows_in for a in days.values()):
        raise Refused(f"no row in {len(raw.events)} files, such as {raw.events[0].key}")
    return dict(sorted(days.items())), outside


def write_sides(
    spark: SparkSession, raw: RawLog, rules: Rules, key: bytes, folder: Path, scratch: Path
) -> None:
    """Write each side table to `sides/<name>/`, its rows by key; the user's is a keyed hash.

    Raises Refused where rows are malformed, or a key stands twice and would make two events of one.
    """
    for side in rules.logs.sides:
        rows = side_rows(spark, raw.sides[side.name], side, rules.cleaning.missing).persist()
        _demand_one_row_a_key(rows, raw.sides[side.name], side.key)
        table = _hashed(rows.drop(FAULT), rules.logs.user, key)
        file = write_one(table, [f"`{side.key}`"], scratch / SIDES / side.name)
        place(file, folder / SIDES / side.name)
        rows.unpersist()


def _hashed(table: DataFrame, user: str, key: bytes) -> DataFrame:
    if user not in table.columns:
        return table
    columns = (hash_of(named(c)).alias(c) if c == user else named(c) for c in table.columns)
    return with_pads(table, key).select(*columns)


def _demand_one_row_a_key(rows: DataFrame, file: RawFile, key: str) -> None:
    if key not in file.columns:
        raise Refused(f"{file.key} has no column {key}; it has {list(file.columns)}")
    (found,) = rows.agg(
        F.count("*").alias("rows"),
        F.count(FAULT).alias("cut"),
        (F.count(named(key)) - F.count_distinct(named(key))).alias("twice"),
    ).collect()
    if found["cut"] or found["twice"]:
        raise Refused(
            f"{file.key}: of {found['rows']:,} rows {found['cut']} have not {len(file.columns)} "
            f"columns, and {found['twice']} repeat a {key}"
        )


def _part(raw: RawLog, rules: Rules, missing: Sequence[str]) -> RawLog:
    """The log's files that these days depend on."""
    if not raw.days:
        return raw
    late = rules.cleaning.late_days
    wanted = {day for one in missing for day in earlier(one, late)}
    events = tuple(file for file in raw.events if file.day in wanted)
    return RawLog(tuple(missing), events, raw.sides)


def _stage(
    spark: SparkSession, part: RawLog, rules: Rules, key: bytes, scratch: Path
) -> tuple[DataFrame, int]:
    """The marked rows, parsed once and kept in `scratch`; and the raw rows, counted before that."""
    counter = Observation("raw rows")
    raw = raw_rows(spark, part.events, rules.logs).observe(counter, F.count("*").alias("rows"))
    target = file_uri(scratch / "marked")
    mark(raw, part, rules, key).write.option("compression", "lz4").parquet(target)
    headers = sum(file.header is not None for file in part.events)
    return spark.read.parquet(target), int(counter.get["rows"]) - headers


def _days_of_flat(marked: DataFrame, rules: Rules) -> tuple[list[str], int]:
    """The window's days up to the newest event's, and how many rows belong to no day of it."""
    good = marked.where(F.size(REASONS) == 0)
    (newest,) = good.agg(F.max(DAY).alias("day")).collect()
    last = rules.logs.last_day or newest["day"]
    if last is None:
        return [UNKNOWN_DAY], 0
    window = window_of(rules.logs, last)
    present = good.where(F.col(DAY).isin(window)).select(DAY).distinct().collect()
    outside = marked.where(~F.col(DAY).isin(window)).count()
    return [*sorted(row[DAY] for row in present), UNKNOWN_DAY], outside


def _write(
    marked: DataFrame,
    raw: RawLog,
    rules: Rules,
    store: DayStore,
    days: Sequence[str],
    scratch: Path,
) -> dict[str, Artifact]:
    """Seal these days of the marked rows."""
    by_day = marked.withColumn(DAY, F.coalesce(DAY, F.lit(UNKNOWN_DAY)))
    rejected = quarantined(by_day).where(F.col(DAY).isin(*days))
    evidence = write_days(rejected.repartition(DAY), rejected.columns, scratch / QUARANTINE)
    good = usable(by_day, raw, rules).where(F.col(DAY).isin(*days))
    # Not in memory too: a large log's parts, unrolled beside their sorts, ended a small heap.
    good = good.persist(StorageLevel.DISK_ONLY)
    once = events_of(good.where(~F.col(REPETITION)), raw, rules)
    events = write_days(once, _order(once, rules), scratch / EVENTS)
    counted = {row[DAY]: row for row in _count(good)}
    good.unpersist()
    sealed = {}
    for day in days:
        files = {EVENTS: events.get(day), QUARANTINE: evidence.get(day)}
        counts = _counts(counted.get(day), files)
        if day != UNKNOWN_DAY or counts.rows_in:
            sealed[day] = store.keep(day, files, counts)
    return sealed


def _count(good: DataFrame) -> list[Row]:
    repeated = F.count_if(REPETITION).alias("deduplicated")
    kept = F.count_if(~F.col(REPETITION)).alias("kept")
    return list(good.groupBy(DAY).agg(kept, repeated).collect())


def _counts(counted: Row | None, files: dict[str, Path | None]) -> DayCounts:
    events, evidence = files[EVENTS], files[QUARANTINE]
    kept, deduplicated = (counted["kept"], counted["deduplicated"]) if counted else (0, 0)
    quarantined_rows = rows_in(evidence) if evidence else 0
    return DayCounts(
        rows_in=kept + deduplicated + quarantined_rows,
        kept=kept,
        quarantined=quarantined_rows,
        deduplicated=deduplicated,
        reasons=_reasons(evidence) if evidence else {},
        events=rows_in(events) if events else 0,
    )


def _order(events: DataFrame, rules: Rules) -> list[str]:
    """A total order of the events: time, what they are deduplicated on, then all the rest."""
    keys = (TIME_MS if c == rules.logs.time else c for c in rules.cleaning.deduplicate_on)
    names = dict.fromkeys((TIME_MS, *keys, *events.columns))
    return ["`" + name.replace("`", "``") + "`" for name in names if name in events.columns]


def _demand_law(
    marked: DataFrame,
    raw: RawLog,
    days: Sequence[str],
    sealed: dict[str, Artifact],
    observed: int,
) -> None:
    """Insist that every raw row read is accounted for. Raises SecateurError."""
    accounted = sum(sealed[d].read("counts.json", DayCounts).rows_in for d in days if d in sealed)
    elsewhere = marked.where(~F.coalesce(DAY, F.lit(UNKNOWN_DAY)).isin(*days))
    header = F.when(F.array_contains(REASONS, REPEATED_HEADER), F.col(SOURCE))
    (beside,) = elsewhere.agg(
        F.count("*").alias("rows"), F.count_distinct(header).alias("headers")
    ).collect()
    found = accounted + beside["rows"] - beside["headers"]
    if observed != found:
        raise SecateurError(f"{observed} rows came in, but {found} are accounted for")


def rows_in(file: Path) -> int:
    """Rows of a Parquet file."""
    return int(pq.read_metadata(file).num_rows)


def _reasons(evidence: Path) -> dict[str, int]:
    counts: dict[str, int] = {}
    for codes in pq.read_table(evidence, columns=[REASONS])[REASONS].to_pylist():
        for code in codes:
            counts[code] = counts.get(code, 0) + 1
    return dict(sorted(counts.items()))

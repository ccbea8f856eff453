"""One pass over the marked rows into an EventSet's files, and the law that no row is lost."""

import tempfile
from pathlib import Path

import pyarrow.parquet as pq
from pyspark.sql import DataFrame, Observation
from pyspark.sql import functions as F  # noqa: N812

from secateur.contracts.data import CleaningCounts
from secateur.contracts.errors import SecateurError
from secateur.events.cleaning import (
    REASONS,
    REPETITION,
    TIME_MS,
    Rules,
    events_of,
    quarantined,
    usable,
)
from secateur.events.window import RawLog
from secateur.spark import place, write_days, write_one

EVENTS = "events"
QUARANTINE = "quarantine"


def write(marked: DataFrame, rules: Rules, log: RawLog, folder: Path) -> CleaningCounts:
    """Write `events/` and `quarantine/` below `folder` and count where the log's rows went.

    The counts of kept and quarantined rows are read from the files written, the repetitions are
    counted by Spark, the rows of the log line by line. Raises SecateurError where the sum errs.
    """
    with tempfile.TemporaryDirectory(prefix="secateur-", dir=folder.parent) as scratch:
        rejected = quarantined(marked)
        file = write_one(rejected, rejected.columns, Path(scratch, QUARANTINE))
        evidence = place(file, folder / QUARANTINE)
        repeated = Observation("repeated")
        rows = usable(marked, log, rules).observe(repeated, F.count_if(REPETITION).alias("rows"))
        order = _order(rules)
        days = write_days(events_of(rows, log, rules), order, Path(scratch, EVENTS))
        for day, file in days.items():
            days[day] = place(file, folder / EVENTS / f"date={day}")
    counts = CleaningCounts(
        rows_in=log.rows,
        kept=sum(map(_rows, days.values())),
        quarantined=_rows(evidence),
        deduplicated=int(repeated.get["rows"]),
        reasons=_reasons(evidence),
        days={day: _rows(days[day]) if day in days else 0 for day in log.days},
    )
    demand_law(counts)
    return counts


def _order(rules: Rules) -> tuple[str, ...]:
    """A total order of the events: no two are equal in all that they are deduplicated on."""
    keys = (TIME_MS if c == rules.logs.time_ms else c for c in rules.cleaning.deduplicate_on)
    return tuple(dict.fromkeys((TIME_MS, *keys)))


def demand_law(counts: CleaningCounts) -> None:
    """Insist on `rows_in = kept + quarantined + deduplicated`. Raises SecateurError."""
    found = counts.kept + counts.quarantined + counts.deduplicated
    if counts.rows_in != found:
        raise SecateurError(f"{counts.rows_in} rows came in, but {found} are accounted for")


def _rows(file: Path) -> int:
    return int(pq.read_metadata(file).num_rows)


def _reasons(evidence: Path) -> dict[str, int]:
    counts: dict[str, int] = {}
    for codes in pq.read_table(evidence, columns=[REASONS])[REASONS].to_pylist():
        for code in codes:
            counts[code] = counts.get(code, 0) + 1
    return dict(sorted(counts.items()))

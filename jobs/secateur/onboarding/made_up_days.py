"""Rows of a log that tells too few days, or no time at all, dealt in their order into made-up days.

Each row keeps its cells and gets one more, `made_up_ms`. Nothing of it can go into a night: what a
trial on such rows tells is how well the label can be learned, from earlier rows for later ones.
"""

import csv
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from secateur.scenario.drafting.scenario_draft import TIMEZONE, LogDraft
from secateur.scenario.raw_log.reading import cells_of, log_rows, open_text
from secateur.scenario.raw_log.times import time_reader
from secateur.scenario.sections.tables import DELIMITERS, TableFormat

DAYS = 10
COLUMN = "made_up_ms"
_FIRST_MS = 978_307_200_000  # 2001-01-01
_DAY_MS = 86_400_000
_SUFFIX = {"csv": ".csv", "tsv": ".tsv", "json_lines": ".jsonl", "parquet": ".parquet"}

Moments = Iterator[int]


class _Copy(NamedTuple):
    """A file to be written anew, and its rows' moments."""

    source: Path
    target: Path
    table: TableFormat
    moments: Moments


def deal_into_days(draft: LogDraft, folder: Path) -> None:
    """Write the log's files into `folder`, their rows in the order of their time, if they have one.

    Raises UsageError where a file cannot be read.
    """
    folder.mkdir(parents=True)
    moments = iter(_moments(_order(draft)).tolist())
    for number, source in enumerate(draft.log.files):
        name = f"{number:05d}-{source.name.partition('.')[0]}{_SUFFIX[draft.table.format]}"
        _COPIES[draft.table.format](_Copy(source, folder / name, draft.table, moments))


def _order(draft: LogDraft) -> NDArray[np.float64]:
    """The seconds of every row [n], in which rows without a time take that of the row before."""
    roles, seconds, last = draft.roles, [], 0.0
    year = draft.year.year if draft.year else None
    read = time_reader(roles.spelling.format, TIMEZONE, year) if roles.spelling else None
    names = [roles.time.name] if roles.time else []
    for path in draft.log.files:
        for row in log_rows(path, draft.table, names):
            found = read(row[0]) if read and row and row[0] else None
            last = found.timestamp() if found else last
            seconds.append(last)
    return np.array(seconds)


def _moments(seconds: NDArray[np.float64]) -> NDArray[np.int64]:
    """A moment for every row [n]: as many on each day, evenly, in the order of their seconds."""
    rank = np.empty(len(seconds), np.int64)
    rank[np.argsort(seconds, kind="stable")] = np.arange(len(seconds))
    return _FIRST_MS + rank * (DAYS * _DAY_MS) // max(len(seconds), 1)


def _copy_text(copy: _Copy) -> None:
    with open_text(copy.source) as lines, copy.target.open("w", newline="") as file:
        rows, separator = cells_of(lines, copy.table.separator), copy.table.separator
        # TSV has no quotes: what looks like one there is text.
        plain: Literal[0, 3] = (
            csv.QUOTE_NONE if separator == DELIMITERS["tsv"] else csv.QUOTE_MINIMAL
        )
        mark = None if plain else '"'
        writer = csv.writer(
            file, delimiter=separator, lineterminator="\n", quoting=plain, quotechar=mark
        )
        if copy.table.header:
            writer.writerow([*next(rows), COLUMN])
        for row, moment in zip(rows, copy.moments, strict=False):
            writer.writerow([*row, moment])


def _copy_json(copy: _Copy) -> None:
    with open_text(copy.source) as lines, copy.target.open("w") as file:
        for line, moment in zip(filter(str.strip, lines), copy.moments, strict=False):
            file.write(_with_key(line.strip(), moment) + "\n")


def _with_key(line: str, moment: int) -> str:
    """The line with one key more; a line that is no object stays as it is."""
    if not (line.startswith("{") and line.endswith("}")):
        return line
    comma = "," if line[1:-1].strip() else ""
    return f'{line[:-1]}{comma}"{COLUMN}": {moment}}}'


def _copy_parquet(copy: _Copy) -> None:
    file = pq.ParquetFile(copy.source)
    schema = file.schema_arrow.append(pa.field(COLUMN, pa.int64()))
    with pq.ParquetWriter(copy.target, schema) as writer:
        for batch in file.iter_batches():
            mine = list(itertools.islice(copy.moments, batch.num_rows))
            writer.write_batch(pa.record_batch([*batch.columns, pa.array(mine)], schema=schema))


_COPIES: dict[str, Callable[[_Copy], None]] = {
    "csv": _copy_text,
    "tsv": _copy_text,
    "json_lines": _copy_json,
    "parquet": _copy_parquet,
}

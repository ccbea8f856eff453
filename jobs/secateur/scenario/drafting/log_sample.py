"""The first rows of a log file, as canonical text, however it is written and compressed.

Read are CSV, TSV, JSON lines and Parquet; plain, or as their name says .gz, .bz2 or .zst.
"""

import csv
import io
import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from secateur.contracts.errors import UsageError
from secateur.encoding.spelling import canonical
from secateur.scenario.sections.logs import DELIMITERS, TableFormat

ROWS = 5000
_PARQUET_MAGIC = b"PAR1"
_DELIMITERS = ("\t", ",", ";", "|")
_LINES_TO_SNIFF = 50

Row = tuple[str | None, ...]


@dataclass(frozen=True)
class LogSample:
    """Rows of canonical text, None where missing; rows of another length are left out."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]


def sample(path: Path, table: TableFormat, limit: int = ROWS) -> LogSample:
    """The first `limit` rows of a file that is written as `table` says. Raises UsageError.

    A column without a name, such as the index that pandas writes, is left out.
    """
    with _as_usage_error(path):
        if table.format == "parquet":
            first = next(pq.ParquetFile(path).iter_batches(batch_size=limit))
            # Arrow's scalars know their type, so that a float32 is spelled as one.
            cells = zip(*first.columns, strict=True)
            return _sample_of_records(
                dict(zip(first.schema.names, row, strict=True)) for row in cells
            )
        with _text_of(path) as lines:
            if table.format == "json_lines":
                first_lines = itertools.islice(filter(str.strip, lines), limit)
                return _sample_of_records(map(json.loads, first_lines))
            rows = list(itertools.islice(_cells(lines, table.separator), limit + table.header))
    columns = rows.pop(0) if table.header and rows else table.columns
    named = [i for i, name in enumerate(columns) if name.strip()]
    whole = (row for row in rows if len(row) == len(columns))
    return LogSample(
        tuple(columns[i] for i in named),
        tuple(tuple(canonical(row[i]) for i in named) for row in whole),
    )


def recognize(path: Path) -> TableFormat:
    """Tell how a file is written, from its first bytes and lines. Raises UsageError."""
    with _as_usage_error(path):
        with path.open("rb") as file:
            if file.read(len(_PARQUET_MAGIC)) == _PARQUET_MAGIC:
                return TableFormat(format="parquet")
        with _text_of(path) as text:
            lines = list(itertools.islice(filter(str.strip, text), _LINES_TO_SNIFF))
    if not lines:
        raise UsageError(f"{path}: holds no line")
    if lines[0].lstrip().startswith("{"):
        return TableFormat(format="json_lines")
    delimiter = _sniff_delimiter(lines)
    if not delimiter:
        raise UsageError(f"{path}: neither Parquet nor JSON lines, nor columns between tabs , ; |")
    rows = list(_cells(lines, delimiter))
    header = has_header(rows)
    return TableFormat(
        format="tsv" if delimiter == DELIMITERS["tsv"] else "csv",
        delimiter=None if delimiter in DELIMITERS.values() else delimiter,
        header=header,
        columns=() if header else tuple(f"column_{n + 1}" for n in range(len(rows[0]))),
    )


def _sniff_delimiter(lines: Sequence[str]) -> str | None:
    """The delimiter whose columns look most alike by pattern and type; None where none does.

    By CleverCSV (van den Burg, Nazabal & Sutton, Data Mining and Knowledge Discovery 2019), which
    a line that breaks the pattern does not put off. Where it cannot decide, the first delimiter
    that gives every line as many cells. infra/decisions/clevercsv-tells-the-delimiter.md says what
    else was tried.
    """
    from clevercsv import Sniffer  # compiles its patterns for a quarter of a second

    dialect = Sniffer().sniff("".join(lines), delimiters=_DELIMITERS)
    if dialect:
        return dialect.delimiter
    widths = {mark: {len(row) for row in _cells(lines, mark)} for mark in _DELIMITERS}
    return next((mark for mark in _DELIMITERS if len(widths[mark]) == 1 != max(widths[mark])), None)


def has_header(rows: Sequence[Sequence[str]]) -> bool:
    """Tell whether the first row names the columns.

    Names differ, begin with no digit, and do not come again in their own column. Only the first
    may be blank, above numbers: so pandas writes its index.
    """
    names, values = rows[0], rows[1:]
    if len(set(names)) < len(names) or not all(name.strip() for name in names[1:]):
        return False
    if not names[0].strip() and not all(row[0].isdigit() for row in values):
        return False
    if any(name[:1].isdigit() for name in names):
        return False
    again = (row[i] == name for row in values for i, name in enumerate(names) if i < len(row))
    return not any(again)


def _cells(lines: Iterable[str], delimiter: str) -> Iterator[list[str]]:
    """The cells of every line that has any. TSV has no quotes: a `"` there is text."""
    if delimiter == DELIMITERS["tsv"]:
        rows = csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE)
    else:
        rows = csv.reader(lines, delimiter=delimiter)
    return (row for row in rows if row)


def _sample_of_records(records: Iterable[dict[str, Any]]) -> LogSample:
    kept = list(records)
    columns = tuple(dict.fromkeys(name for record in kept for name in record))
    rows = (tuple(canonical(record.get(name)) for name in columns) for record in kept)
    return LogSample(columns, tuple(rows))


@contextmanager
def _text_of(path: Path) -> Iterator[io.TextIOBase]:
    with pa.input_stream(str(path), compression="detect") as stream:
        yield io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")


@contextmanager
def _as_usage_error(path: Path) -> Iterator[None]:
    """Whatever is wrong with the file is the caller's to know, in one line."""
    try:
        yield
    except (OSError, ValueError, StopIteration, csv.Error, AttributeError) as error:
        raise UsageError(f"{path}: {error or 'holds no row'}") from error

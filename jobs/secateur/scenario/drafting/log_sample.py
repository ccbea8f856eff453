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
from secateur.scenario.sections.logs import DELIMITERS, Format, Table
from secateur.values import canonical

ROWS = 5000
_PARQUET_MAGIC = b"PAR1"
_SEPARATORS = ("\t", ",", ";", "|")
_ROWS_TO_SPLIT = 50

Row = tuple[str | None, ...]


@dataclass(frozen=True)
class Sample:
    """Rows of canonical text, None where missing; without those of another length."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]


def sample(path: Path, table: Table, limit: int = ROWS) -> Sample:
    """The first `limit` rows of a file that is written as `table` says. Raises UsageError."""
    with _told(path):
        if table.format == "parquet":
            return _of_records(_parquet_records(path, limit))
        with _opened(path) as lines:
            if table.format == "json_lines":
                return _of_records(map(json.loads, itertools.islice(_nonblank(lines), limit)))
            rows = list(itertools.islice(_split(lines, table.separator), limit + table.header))
    columns = tuple(rows.pop(0)) if table.header and rows else table.columns
    whole = (row for row in rows if len(row) == len(columns))
    return Sample(columns, tuple(tuple(map(canonical, row)) for row in whole))


def recognize(path: Path) -> Table:
    """Tell how a file is written, from its first bytes and lines. Raises UsageError."""
    with _told(path):
        with path.open("rb") as file:
            if file.read(len(_PARQUET_MAGIC)) == _PARQUET_MAGIC:
                return Table(format="parquet")
        with _opened(path) as file:
            lines = list(itertools.islice(_nonblank(file), _ROWS_TO_SPLIT))
    if not lines:
        raise UsageError(f"{path}: holds no line")
    if lines[0].lstrip().startswith("{"):
        return Table(format="json_lines")
    separator = max(_SEPARATORS, key=lambda mark: _width(lines, mark))
    if not _width(lines, separator):
        raise UsageError(f"{path}: neither Parquet nor JSON lines, nor columns between tabs , ; |")
    return _delimited(list(_split(lines, separator)), separator)


def _delimited(rows: Sequence[list[str]], separator: str) -> Table:
    kinds: dict[str, Format] = {mark: kind for kind, mark in DELIMITERS.items()}  # type: ignore[misc]
    kind = kinds.get(separator, "csv")
    delimiter = None if separator in kinds else separator
    if has_header(rows):
        return Table(format=kind, delimiter=delimiter)
    names = tuple(f"column_{number + 1}" for number in range(len(rows[0])))
    return Table(format=kind, delimiter=delimiter, header=False, columns=names)


def has_header(rows: Sequence[Sequence[str]]) -> bool:
    """Tell whether the first row names the columns.

    Names are there, differ, are no numbers, and none of them comes again in its own column.
    """
    names, values = rows[0], rows[1:]
    if len(set(names)) < len(names) or not all(name.strip() for name in names):
        return False
    if any(any(mark.isdigit() for mark in name[:1]) for name in names):
        return False
    again = (row[i] == name for row in values for i, name in enumerate(names) if i < len(row))
    return not any(again)


def _width(lines: Sequence[str], separator: str) -> int:
    """How many columns all lines have between `separator`s; 0 where only one, or they differ."""
    widths = {len(row) for row in _split(lines, separator)}
    width = widths.pop()
    return 0 if widths or width == 1 else width


def _split(lines: Iterable[str], separator: str) -> Iterator[list[str]]:
    return (row for row in csv.reader(lines, delimiter=separator) if row)


def _nonblank(lines: Iterable[str]) -> Iterator[str]:
    return (line for line in lines if line.strip())


def _parquet_records(path: Path, limit: int) -> list[dict[str, Any]]:
    batches = pq.ParquetFile(path).iter_batches(batch_size=limit)
    found: list[dict[str, Any]] = next(batches).to_pylist()
    return found


def _of_records(records: Iterable[dict[str, Any]]) -> Sample:
    kept = list(records)
    columns = tuple(dict.fromkeys(name for record in kept for name in record))
    rows = (tuple(canonical(record.get(name)) for name in columns) for record in kept)
    return Sample(columns, tuple(rows))


@contextmanager
def _opened(path: Path) -> Iterator[io.TextIOBase]:
    with pa.input_stream(str(path), compression="detect") as stream:
        yield io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Whatever is wrong with the file is the caller's to know, in one line."""
    try:
        yield
    except (OSError, ValueError, StopIteration, csv.Error, AttributeError) as error:
        raise UsageError(f"{path}: {error or 'holds no row'}") from error

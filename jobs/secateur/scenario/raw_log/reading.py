"""The rows of a log's file as canonical text, however it is written and compressed.

Read are CSV, TSV, JSON lines and Parquet; plain, or compressed as gz, bz2 or zst.
"""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow.types import is_temporal

from secateur.contracts.errors import Refused, UsageError
from secateur.encoding.spelling import canonical
from secateur.scenario.raw_log.column_names import raw_name
from secateur.scenario.raw_log.compressed_text import DAMAGE, UnpackedText
from secateur.scenario.raw_log.members import (
    arrow_column,
    json_members,
    name_of,
    parquet_members,
    value_named,
)
from secateur.scenario.sections.tables import DELIMITERS, TableFormat

Row = tuple[str | None, ...]

_BATCH = 10_000
_LINES_WITH_KEYS = 1000  # of a JSON file, to learn the names of its columns


def column_names(path: Path, table: TableFormat) -> tuple[str, ...]:
    """The columns of a file that is written as `table` says; "" for one without a name.

    Raises UsageError where the file cannot be read.
    """
    if not table.header:
        return table.columns
    with as_usage_error(path):
        if table.format == "parquet":
            members = parquet_members(pq.ParquetFile(path).schema_arrow)
            return tuple(name_of(member) for member, _ in members)
        with open_text(path) as lines:
            if table.format == "json_lines":
                first = islice(_records(lines), _LINES_WITH_KEYS)
                names = tuple(map(name_of, json_members(first)))
                if not names:
                    raise ValueError("none of its first lines is a JSON object")
                return names
            return tuple(name.strip() for name in next(cells_of(lines, table.separator), []))


def typed_times(path: Path) -> dict[str, bool]:
    """The columns of a Parquet file that are times or dates by their type, and which are instants.

    Raises UsageError where the file cannot be read.
    """
    with as_usage_error(path):
        members = parquet_members(pq.ParquetFile(path).schema_arrow)
        return {name_of(one): is_instant(kind) for one, kind in members if is_temporal(kind)}


def is_instant(kind: pa.DataType) -> bool:
    """Whether a type's values are moments in UTC, whatever clocks stand on a wall."""
    return pa.types.is_timestamp(kind) and kind.tz is not None


def log_rows(path: Path, table: TableFormat, names: Sequence[str]) -> Iterator[Row | None]:
    """Row after row the values of the columns `names`, None where missing; so is an unknown column.

    A row that is malformed, of another length than the header or no JSON object, is None itself.
    Raises UsageError where the file cannot be read.
    """
    with as_usage_error(path):
        if table.format == "parquet":
            yield from _rows_of_parquet(path, names)
            return
        with open_text(path) as lines:
            if table.format == "json_lines":
                for record in _records(lines):
                    raw = (raw_name(name, record) for name in names)
                    values = (spelled_value(value_named(record, name)) for name in raw)
                    yield tuple(values) if record else None
                return
            rows = cells_of(lines, table.separator)
            header = [n.strip() for n in next(rows, [])] if table.header else list(table.columns)
            names = [raw_name(name, header) for name in names]
            at = [header.index(name) if name in header else None for name in names]
            for row in rows:
                whole = len(row) == len(header)
                yield (
                    tuple(canonical(row[i]) if i is not None else None for i in at)
                    if whole
                    else None
                )


def spelled_value(value: object) -> str | None:
    """The canonical text of a value; of a list the texts of its parts between bars."""
    if isinstance(value, pa.Scalar) and pa.types.is_nested(value.type):
        value = value.as_py()
    if isinstance(value, list):
        return "|".join(canonical(part) or "" for part in value) or None
    return canonical(value)


def cells_of(lines: Iterable[str], delimiter: str) -> Iterator[list[str]]:
    """The cells of every line that has any. TSV has no quotes: a `"` there is text."""
    if delimiter == DELIMITERS["tsv"]:
        rows = csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE)
    else:
        rows = csv.reader(lines, delimiter=delimiter)
    return (row for row in rows if row)


@contextmanager
def open_text(path: Path) -> Iterator[io.TextIOBase]:
    """The file's text, unpacked as a night does it."""
    with UnpackedText(path).open("replace", newline="") as text:
        yield text


@contextmanager
def as_usage_error(path: Path) -> Iterator[None]:
    """Whatever is wrong with the file is the caller's to know, in one line."""
    try:
        yield
    except (Refused, *DAMAGE, ValueError, StopIteration, csv.Error, AttributeError) as error:
        raise UsageError(f"{path}: {error or 'holds no row'}") from error


def _rows_of_parquet(path: Path, names: Sequence[str]) -> Iterator[Row]:
    file = pq.ParquetFile(path)
    members = {name_of(path): path for path, _ in parquet_members(file.schema_arrow)}
    names = [raw_name(name, members) for name in names]
    known = {name: members[name] for name in names if name in members}
    read = list(dict.fromkeys(path[0].key for path in known.values()))
    for batch in file.iter_batches(batch_size=_BATCH, columns=read):
        # Arrow's scalars know their type, so that a float32 is spelled as one.
        columns = {
            name: [*map(spelled_value, arrow_column(batch, path))] for name, path in known.items()
        }
        missing = [None] * batch.num_rows
        yield from zip(*(columns.get(name, missing) for name in names), strict=True)


def _records(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """The JSON objects; a line that is none is an empty one."""
    for line in filter(str.strip, lines):
        try:
            record = json.loads(line)
        except ValueError:
            record = None
        yield record if isinstance(record, dict) else {}

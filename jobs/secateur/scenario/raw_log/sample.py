"""How a log's files are written, and rows of them: from their first bytes and lines."""

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from secateur.contracts.errors import UsageError
from secateur.encoding.numbers import number_in
from secateur.scenario.raw_log.reading import (
    Row,
    as_usage_error,
    cells_of,
    column_names,
    log_rows,
    open_text,
)
from secateur.scenario.sections.tables import DELIMITERS, TableFormat

ROWS = 5000
_PARQUET_MAGIC = b"PAR1"
_DELIMITERS = ("\t", ",", ";", "|")
_DOUBLED = ":"  # MovieLens has two between columns: each other column is an empty one
_LINES_TO_SNIFF = 50
_JSON_ARRAY = re.compile(r"\s*\[\s*(\{|$)")


@dataclass(frozen=True)
class LogSample:
    """Rows of canonical text, None where missing; rows of another length are left out."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]


def sample(paths: Sequence[Path], table: TableFormat, limit: int = ROWS) -> LogSample:
    """The first rows of each file, `limit` together, written as `table` says. Raises UsageError.

    A column without a name, such as the index that pandas writes, is left out.
    """
    names = (name for path in paths for name in column_names(path, table) if name.strip())
    columns = tuple(dict.fromkeys(names))
    share = -(-limit // len(paths))
    rows: list[Row] = []
    for path in paths:
        whole = (row for row in log_rows(path, table, columns) if row is not None)
        rows += itertools.islice(whole, share)
    return LogSample(columns, tuple(rows[:limit]))


def recognize(path: Path) -> TableFormat:
    """Tell how a file is written, from its first bytes and lines. Raises UsageError."""
    with as_usage_error(path):
        with path.open("rb") as file:
            if file.read(len(_PARQUET_MAGIC)) == _PARQUET_MAGIC:
                return TableFormat(format="parquet")
        with open_text(path) as text:
            lines = list(itertools.islice(filter(str.strip, text), _LINES_TO_SNIFF))
    if not lines:
        raise UsageError(f"{path}: holds no line")
    if lines[0].lstrip().startswith("{"):
        return TableFormat(format="json_lines")
    if _JSON_ARRAY.match(lines[0]):
        raise UsageError(f"{path}: a JSON array: deliver JSON lines, an object a line")
    text_lines = [line for line in lines if "\0" not in line]
    if len(text_lines) < len(lines) / 2:
        raise UsageError(f"{path}: no text: most of its first lines have bytes of zero")
    lines = text_lines
    delimiter = _sniff_delimiter(lines)
    if not delimiter:
        raise UsageError(f"{path}: neither Parquet nor JSON lines, nor columns between tabs , ; |")
    rows = list(cells_of(lines, delimiter))
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
    if dialect and dialect.delimiter:
        return dialect.delimiter
    if len({line.count(2 * _DOUBLED) for line in lines}) == 1 and 2 * _DOUBLED in lines[0]:
        return _DOUBLED
    widths = {mark: {len(row) for row in cells_of(lines, mark)} for mark in _DELIMITERS}
    return next((mark for mark in _DELIMITERS if len(widths[mark]) == 1 != max(widths[mark])), None)


def has_header(rows: Sequence[Sequence[str]]) -> bool:
    """Tell whether the first row names the columns.

    Names differ, begin with no digit, and do not come again in their own column. A blank one is a
    column without a name where another stands above numbers, which no row of values does.
    """
    cells, values = rows[0], [row for row in rows[1:] if len(row) == len(rows[0])]
    named = {place: name.strip() for place, name in enumerate(cells) if name.strip()}
    names = named.values()
    if not named or len(set(names)) < len(named) or any(name[0].isdigit() for name in names):
        return False
    below = {place: [row[place].strip() for row in values] for place in named}
    if any(name in below[place] for place, name in named.items()):
        return False
    above_numbers = any(any(v) and all(map(_is_number, filter(None, v))) for v in below.values())
    return len(named) == len(cells) or above_numbers


def _is_number(text: str) -> bool:
    return number_in(text) == number_in(text)  # NaN for what is none

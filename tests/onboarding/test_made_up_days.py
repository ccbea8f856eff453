"""Rows of a log without days are dealt into days in their order, and lose nothing."""

import csv
import gzip
import io
import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from secateur.onboarding.made_up_days import COLUMN, DAYS, deal_into_days
from secateur.scenario.drafting.scenario_draft import make_draft
from secateur.scenario.raw_log.reading import log_rows

ROWS = 200
COLUMNS = ("user", "item", "label", "hour")
VALUES = [
    (f"u{n * 7 % 41}", f'a "{n * 11 % 53}"', str(n % 2), f"141021{n // 100:02d}")
    for n in reversed(range(ROWS))
]


def delimited(delimiter: str, header: bool) -> bytes:
    out = io.StringIO()
    if delimiter == "\t":
        lines = ["\t".join(row) for row in ([COLUMNS] * header) + VALUES]
        return ("\n".join(lines) + "\n").encode()
    writer = csv.writer(out, delimiter=delimiter)
    writer.writerows(([COLUMNS] * header) + VALUES)
    return out.getvalue().encode()


def parquet() -> bytes:
    out = io.BytesIO()
    columns = dict(zip(COLUMNS, map(list, zip(*VALUES, strict=True)), strict=True))
    pq.write_table(pa.table(columns), out)
    return out.getvalue()


LOGS = {
    "log.csv": delimited(",", header=True),
    "log.csv.gz": gzip.compress(delimited(";", header=True)),
    "log.tsv": delimited("\t", header=False),
    "log.jsonl": b"".join(
        json.dumps(dict(zip(COLUMNS, row, strict=True))).encode() + b"\n" for row in VALUES
    ),
    "log.parquet": parquet(),
}


def dealt(path: Path, folder: Path) -> tuple[Any, list[tuple[str | None, ...]]]:
    """The draft of the dealt log, and its rows."""
    deal_into_days(make_draft(path), folder / "log" / "events")
    made = make_draft(folder / "log")
    names = [column.name for column in made.columns]
    (file,) = made.log.files
    return made, [row for row in log_rows(file, made.table, names) if row is not None]


@pytest.mark.parametrize("name", LOGS)
def test_every_row_keeps_its_cells_and_gets_a_moment(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(LOGS[name])
    made, rows = dealt(path, tmp_path / "run")
    assert sorted(row[:-1] for row in rows) == sorted(VALUES)
    days = Counter(datetime.fromtimestamp(int(row[-1] or 0) / 1000, UTC).date() for row in rows)
    assert list(days.values()) == [ROWS // DAYS] * DAYS
    assert made.days == DAYS
    assert made.roles.time.name == (COLUMN if made.table.header else "column_5")


def test_the_time_that_there_is_orders_the_rows(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(LOGS["log.csv"])  # the later hour stands first
    _, rows = dealt(path, tmp_path / "run")
    hours = [row[3] for row in sorted(rows, key=lambda row: int(row[-1] or 0))]
    assert hours == sorted(hours)


def test_a_line_that_is_no_object_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    lines = LOGS["log.jsonl"].splitlines()
    path.write_bytes(b"\n".join([*lines[:100], b"cut off", b"{}", *lines[100:]]))
    deal_into_days(make_draft(path), tmp_path / "events")
    (file,) = (tmp_path / "events").iterdir()
    copied = file.read_text().splitlines()
    assert copied[100] == "cut off"
    assert list(json.loads(copied[101])) == [COLUMN]

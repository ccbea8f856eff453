"""Lay out Online Retail's last ten weeks as a shop would keep them: JSON lines, one folder a day.

    python infra/demo/cut_online_retail.py ONLINE_RETAIL_FOLDER infra/demo/online_retail

Rows and values are the originals', unrepaired; an empty cell becomes null.
"""

import csv
import gzip
import io
import json
import sys
from collections import defaultdict
from pathlib import Path

import zstandard

LOG = "online_retail.csv.zst"
FIRST_DAY = "2011-10-02"


def rows_of(path: Path) -> "csv.DictReader[str]":
    """Rows of a CSV file under zst."""
    stream = zstandard.ZstdDecompressor().stream_reader(path.open("rb"))
    return csv.DictReader(io.TextIOWrapper(stream, encoding="utf-8", newline=""))


def write(path: Path, rows: list[dict[str, str | None]]) -> None:
    """Write a gz file that is the same bytes at every run."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    path.write_bytes(gzip.compress(lines.encode(), compresslevel=9, mtime=0))


def main(source: Path, target: Path) -> None:
    """Cut the log's last weeks by the day of `InvoiceDate`."""
    days: dict[str, list[dict[str, str | None]]] = defaultdict(list)
    for row in rows_of(source / LOG):
        day = row["InvoiceDate"][:10]
        if day >= FIRST_DAY:
            days[day].append({name: value or None for name, value in row.items()})
    for day, rows in days.items():
        write(target / "events" / f"date={day}" / "invoices.json.gz", rows)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))

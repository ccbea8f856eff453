"""Lay out KuaiRand-Pure as a site would keep it: one folder a day, side tables apart.

    python infra/demo/cut_kuairand.py KUAIRAND_FOLDER infra/demo/kuairand

Rows and columns are the originals', unrepaired; the monthly video statistics stay out because
they aggregate days that a nightly run cannot have seen.
"""

import gzip
import io
import sys
from collections import defaultdict
from pathlib import Path

import zstandard

LOG = "log_standard_4_25_to_5_08_pure.csv.zst"
SIDES = {"users": "user_features_pure.csv.zst", "videos": "video_features_basic_pure.csv.zst"}


def lines_of(path: Path) -> list[bytes]:
    """Read all lines of a zst file, ends kept."""
    with path.open("rb") as file:
        return list(io.BufferedReader(zstandard.ZstdDecompressor().stream_reader(file)))


def write(path: Path, lines: list[bytes]) -> None:
    """Write a gz file that is the same bytes at every run."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(b"".join(lines), compresslevel=9, mtime=0))


def main(source: Path, target: Path) -> None:
    """Split the log by its `date` column and copy the side tables."""
    header, *rows = lines_of(source / LOG)
    position = header.split(b",").index(b"date")
    days: dict[str, list[bytes]] = defaultdict(list)
    for row in rows:
        days[row.split(b",")[position].decode()].append(row)
    for day, found in days.items():
        name = f"date={day[:4]}-{day[4:6]}-{day[6:]}"
        write(target / "events" / name / "log.csv.gz", [header, *found])
    for name, file in SIDES.items():
        write(target / f"{name}.csv.gz", lines_of(source / file))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))

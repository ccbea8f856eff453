"""A downstream service in small: it has the client's dependencies and nothing else.

    python service.py s3://models/short_video

It pulls the release that the channel serves, verifies it, joins the side tables it knows to
10,000 raw rows of the newest day, scores them, and says how fast that was.
"""

import csv
import gzip
import sys
import time
from pathlib import Path

import numpy as np

import secateur
from secateur.judgement.metrics import auc
from secateur.serving import golden

LOGS = Path(__file__).with_name("kuairand")
ROWS = 10_000


def read(path: Path) -> list[dict[str, str]]:
    """Rows of a gzipped CSV."""
    with gzip.open(path, "rt", newline="") as file:
        return list(csv.DictReader(file))


def raw_rows() -> list[dict[str, str]]:
    """The newest day's first rows with what a service knows of the user and the video."""
    users = {row["user_id"]: row for row in read(LOGS / "users.csv.gz")}
    videos = {row["video_id"]: row for row in read(LOGS / "videos.csv.gz")}
    newest = max(LOGS.glob("events/*/log.csv.gz"))
    events = read(newest)[:ROWS]
    return [users[e["user_id"]] | videos[e["video_id"]] | e for e in events]


def main(uri: str) -> None:
    """Pull, verify, score."""
    started = time.perf_counter()
    release = secateur.pull(uri)
    scorer = secateur.load(release)
    golden.check(scorer, release.folder)
    ready = time.perf_counter()
    rows = raw_rows()
    columns = {field.name: [row[field.name] for row in rows] for field in scorer.schema.fields}
    began = time.perf_counter()
    scores = scorer.score(columns)
    seconds = time.perf_counter() - began
    labels = np.array([row[scorer.schema.label] for row in rows], dtype=np.int8)
    sys.stdout.write(
        f"service: pulled and verified release {release.manifest.number} of {uri} "
        f"({release.manifest.bytes:,} bytes) in {ready - started:.2f} s\n"
        f"service: scored {len(scores):,} raw rows in {seconds:.2f} s, "
        f"{len(scores) / seconds:,.0f} rows/s; "
        f"AUC against what users did: {auc(labels, scores):.4f}\n"
    )


if __name__ == "__main__":
    main(sys.argv[1])

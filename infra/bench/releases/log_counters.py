"""Counters of the bundled log, a day apart, in the files of a feature snapshot, without Spark."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv

from bench.processes import PROJECT
from secateur.contracts.releases import SnapshotColumn
from secateur.snapshot.keyed_tables import table_folder, write_table

LOG = PROJECT / "infra" / "demo" / "kuairand"
DAY_MS, OFFSET_MS = 86_400_000, 8 * 3_600_000  # Asia/Shanghai
DAYS = 9  # of a window
PRIOR_RATE, PRIOR_EVENTS, UNIT = 0.31, 20, 1e4
Ids = NDArray[np.int64]


def write_log_counters(folder: Path, _rows: int, days_on: float) -> None:
    """Events, positives and their rate by user, video and author over a window.

    It ends a day before the log, or with it where `days_on` is 1.
    """
    days, labels, keys = _events()
    last = days.max() - 1 + round(days_on)
    inside = (days <= last) & (days > last - DAYS)
    columns = (
        SnapshotColumn("events", "number"),
        SnapshotColumn("positives", "number"),
        SnapshotColumn("rate", "number", UNIT),
    )
    for number, ids in enumerate(keys):
        known, place = np.unique(ids[inside], return_inverse=True)
        events = np.bincount(place).astype(np.float64)
        positives = np.bincount(place, labels[inside]).astype(np.float64)
        smooth = (positives + PRIOR_RATE * PRIOR_EVENTS) / (events + PRIOR_EVENTS)
        values = (events, positives, np.rint(smooth * UNIT) / UNIT)
        write_table(
            table_folder(folder, number),
            [str(one) for one in known.tolist()],
            list(zip(columns, values, strict=True)),
        )


@cache
def _events() -> tuple[Ids, Ids, tuple[Ids, ...]]:
    """Days since 1970 and labels [n] of all events, and the ids [n] of each kind of key."""
    files = sorted((LOG / "events").glob("*/*"))
    log = pa.concat_tables(csv.read_csv(file) for file in files)
    users, videos, times, labels = (
        log[name].to_numpy() for name in ("user_id", "video_id", "time_ms", "long_view")
    )
    authors = dict(_authors())
    of_videos = np.array([authors.get(video, -1) for video in videos.tolist()])
    return (times + OFFSET_MS) // DAY_MS, labels, (users, videos, of_videos)


def _authors() -> Iterator[tuple[int, int]]:
    table = csv.read_csv(LOG / "videos.csv.gz")
    for video, author in zip(
        table["video_id"].to_pylist(), table["author_id"].to_pylist(), strict=True
    ):
        yield video, -1 if author is None else author

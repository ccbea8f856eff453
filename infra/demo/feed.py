"""What a video app asks of its model: the newest day's first 10,000 views of KuaiRand.

A service knows its side tables, and its counts up to midnight.
"""

import csv
import gzip
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

LOGS = Path(__file__).with_name("kuairand")
ROWS = 10_000

# As the scenario's [features] counters have them.
COUNTED = ("user_id", "video_id", "author_id")
PRIOR_EVENTS = 10
PRIOR_RATE = {"long_view": 0.31, "is_click": 0.4}

Row = dict[str, str]


def read(path: Path) -> Iterator[Row]:
    """Rows of a gzipped CSV."""
    with gzip.open(path, "rt", newline="") as file:
        yield from csv.DictReader(file)


def by_key(path: Path, key: str) -> dict[str, Row]:
    """A side table by its key."""
    return {row[key]: row for row in read(path)}


class Counts:
    """Events and positives of every user, video and author so far."""

    def __init__(self, label: str) -> None:
        self.label = label
        self._events: dict[tuple[str, str], int] = defaultdict(int)
        self._positives: dict[tuple[str, str], int] = defaultdict(int)

    def see(self, row: Row) -> None:
        """Count one event."""
        for name in COUNTED:
            key = (name, row[name])
            self._events[key] += 1
            self._positives[key] += int(row[self.label])

    def known_of(self, row: Row) -> dict[str, float]:
        """The counters that the model asks for."""
        known: dict[str, float] = {}
        for name in COUNTED:
            key = (name, row[name])
            events, prior = self._events[key], PRIOR_RATE[self.label]
            rate = (self._positives[key] + PRIOR_EVENTS * prior) / (events + PRIOR_EVENTS)
            known |= {f"{name}_14d_events": events, f"{name}_14d_rate": round(rate, 4)}
        return known


def requests(label: str) -> tuple[list[dict[str, object]], list[int]]:
    """The newest day's first rows, each with all that the service knows at midnight; the labels."""
    users = by_key(LOGS / "users.csv.gz", "user_id")
    videos = by_key(LOGS / "videos.csv.gz", "video_id")
    *earlier, newest = sorted(LOGS.glob("events/*/log.csv.gz"))
    counts = Counts(label)
    for day in earlier:
        for event in read(day):
            counts.see(videos[event["video_id"]] | event)
    rows = [users[e["user_id"]] | videos[e["video_id"]] | e for e in read(newest)][:ROWS]
    return [{**row, **counts.known_of(row)} for row in rows], [int(row[label]) for row in rows]

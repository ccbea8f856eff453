"""Cleaned days into one EventSet."""

import shutil
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from pyspark.sql import SparkSession

from secateur.artifacts import Artifact
from secateur.contracts.artifact_files import COUNTS, DAY_FOLDER, EVENTS, QUARANTINE
from secateur.contracts.data import CleaningCounts, DayCounts
from secateur.events.raw_rows import DAY
from secateur.events.selection.marked_counts import UNKNOWN_DAY
from secateur.events.selection.repetitions import EXAMPLES
from secateur.spark import contents


def assemble(days: Mapping[str, Artifact], outside: int, folder: Path) -> CleaningCounts:
    """Copy the days' files below `folder`, and add up their counts.

    `outside` rows of a flat log belong to no day of the window.
    """
    counts = {day: part.read(COUNTS, DayCounts) for day, part in days.items()}
    for day, part in days.items():
        for kind in (EVENTS, QUARANTINE):
            source = part.folder / kind
            if source.is_dir():
                shutil.copytree(source, folder / kind / f"{DAY_FOLDER}{day}")
    every = counts.values()
    reasons: Counter[str] = Counter()
    repeated: Counter[str] = Counter()
    for one in every:
        reasons.update(one.reasons)
        repeated.update(one.most_repeated)
    examples = sorted(repeated.items(), key=lambda one: (-one[1], one[0]))[:EXAMPLES]
    return CleaningCounts(
        rows_in=sum(one.rows_in for one in every) + outside,
        kept=sum(one.kept for one in every),
        quarantined=sum(one.quarantined for one in every),
        deduplicated=sum(one.deduplicated for one in every),
        reasons=dict(sorted(reasons.items())),
        days={day: one.events for day, one in counts.items() if day != UNKNOWN_DAY},
        events=sum(one.events for one in every),
        outside=outside,
        filtered=sum(one.filtered for one in every),
        most_repeated=dict(examples),
    )


def event_files(folder: Path) -> list[Path]:
    """The files of all events of an EventSet, by day."""
    return sorted(folder.glob(f"{EVENTS}/{DAY_FOLDER}*/*.parquet"))


def content_by_day(spark: SparkSession, folder: Path) -> dict[str, str]:
    """The order-independent digest of each day's events."""
    files = event_files(folder)
    return dict(sorted(contents(spark, files, DAY).items())) if files else {}

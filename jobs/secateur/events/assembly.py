"""Cleaned days into one EventSet."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from pyspark.sql import SparkSession

from secateur.artifacts import Artifact
from secateur.contracts.data import CleaningCounts, DayCounts
from secateur.events.days import EVENTS, QUARANTINE
from secateur.events.reading import DAY
from secateur.events.writing import UNKNOWN_DAY
from secateur.spark import contents


def assemble(days: Mapping[str, Artifact], outside: int, folder: Path) -> CleaningCounts:
    """Copy the days' files below `folder`, and add up their counts."""
    counts = {day: part.read("counts.json", DayCounts) for day, part in days.items()}
    for day, part in days.items():
        for kind in (EVENTS, QUARANTINE):
            source = part.folder / kind
            if source.is_dir():
                shutil.copytree(source, folder / kind / f"date={day}")
    every = counts.values()
    reasons: dict[str, int] = {}
    for one in every:
        for code, rows in one.reasons.items():
            reasons[code] = reasons.get(code, 0) + rows
    return CleaningCounts(
        rows_in=sum(one.rows_in for one in every),
        kept=sum(one.kept for one in every),
        quarantined=sum(one.quarantined for one in every),
        deduplicated=sum(one.deduplicated for one in every),
        reasons=dict(sorted(reasons.items())),
        days={day: one.events for day, one in counts.items() if day != UNKNOWN_DAY},
        events=sum(one.events for one in every),
        outside=outside,
    )


def content_by_day(spark: SparkSession, folder: Path) -> dict[str, str]:
    """The order-independent digest of each day's events."""
    files = sorted(folder.glob(f"{EVENTS}/date=*/*.parquet"))
    return dict(sorted(contents(spark, files, DAY).items())) if files else {}

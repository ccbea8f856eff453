"""Sampled negatives put into an EventSet of positives, in place."""

from dataclasses import replace
from pathlib import Path

from pyspark.sql import SparkSession

from secateur.contracts.data import CleaningCounts
from secateur.events.cleaning import Rules
from secateur.events.days import EVENTS
from secateur.events.negatives import Columns, add_negatives
from secateur.events.reading import DAY
from secateur.events.writing import rows_in
from secateur.scenario import PurchaseLabel
from secateur.spark import place, read_parquet, write_days


def sample(
    spark: SparkSession,
    rules: Rules,
    seed: int,
    counts: CleaningCounts,
    folder: Path,
    scratch: Path,
) -> CleaningCounts:
    """Write positives and negatives in the place of the positives; counts with what was drawn.

    Changes nothing where the label is not that of a purchase.
    """
    if not isinstance(rules.label, PurchaseLabel):
        return counts
    rule, logs = rules.label.negatives, rules.logs
    files = sorted(folder.glob(f"{EVENTS}/date=*/*.parquet"))
    events = add_negatives(read_parquet(spark, files), Columns(logs.user, logs.item), rule, seed)
    order = ["`" + name.replace("`", "``") + "`" for name in ("time_ms", *events.columns)]
    written = write_days(events.repartition(DAY), list(dict.fromkeys(order)), scratch / "sampled")
    days = {day: rows_in(file) for day, file in written.items()}
    for day, file in written.items():
        place(file, folder / EVENTS / f"date={day}")
    sampled = sum(days.values()) - counts.events
    undrawn = counts.events * rule.per_positive - sampled
    return replace(
        counts, days=counts.days | days, events=sum(days.values()), sampled=sampled, undrawn=undrawn
    )

"""The same features from the same events with polars, as a rival that a user would try instead.

    python -m bench.night.polars_features --scenario FILE --events EVENTSET --output FOLDER

Vocabularies by falling frequency with `min_count`, buckets at the quantiles of the train days,
counters by single keys with the freshness "day". Writes one Parquet file of ids a split.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from secateur.features.split import split_days
from secateur.scenario import Counter, FieldSpec, Logs, Scenario, load_scenario

DIGITS = 4


def main() -> None:
    """Encode an EventSet."""
    flags = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    for name in ("scenario", "events", "output"):
        flags.add_argument(f"--{name}", required=True)
    asked = flags.parse_args()
    encode(load_scenario(asked.scenario), Path(asked.events), Path(asked.output))


def encode(scenario: Scenario, events_folder: Path, output: Path) -> None:
    """Write `<split>.parquet` of every split below `output`."""
    output.mkdir(parents=True)
    features = scenario.features
    events = read(events_folder, scenario.logs)
    days = sorted(events["day"].unique())
    splits = split_days(days, features)
    for counter in features.counters:
        events = with_counter(events, counter, len(days))
    train = events.filter(pl.col("day").is_in(list(splits["train"])))
    ids = [encode_field(events, train, spec) for spec in features.inputs]
    others = [pl.col("day", "time_ms", "label"), pl.col(scenario.logs.user).alias("user_hash")]
    table = events.select(*others).with_columns(*ids)
    for split, its_days in splits.items():
        part = table.filter(pl.col("day").is_in(list(its_days)))
        part.write_parquet(output / f"{split}.parquet")


def read(folder: Path, logs: Logs) -> pl.DataFrame:
    """Events with the columns of their side tables."""
    frame = pl.read_parquet(sorted(folder.glob("events/date=*/part-*.parquet")))
    for side in logs.sides:
        table = pl.read_parquet(sorted(folder.glob(f"sides/{side.name}/part-*.parquet")))
        frame = frame.join(table, on=side.key, how="left", maintain_order="left")
    return frame


def with_counter(events: pl.DataFrame, counter: Counter, days: int) -> pl.DataFrame:
    """Add the counter's fields: what its key had on the log's `days` before the event's."""
    daily = counter.freshness == "day" and (counter.days or 0) >= days
    if not daily or len(counter.keys) != 1:
        raise ValueError(f"{counter.name}: the rival knows daily counters of one key only")
    (key,) = counter.keys
    counted = events.drop_nulls(key).group_by(key, "day")
    by_day = counted.agg(pl.len().alias("n"), pl.col("label").sum().alias("hits")).sort(key, "day")
    before = [pl.col(c).cum_sum().over(key) - pl.col(c) for c in ("n", "hits")]
    prior = counter.prior_events
    rate = (pl.col("hits") + prior * counter.prior_rate) / (pl.col("n") + prior)
    measures = {
        "events": pl.col("n").cast(pl.Float64),
        "positives": pl.col("hits").cast(pl.Float64),
        "rate": rate.round(DIGITS, mode="half_away_from_zero"),
    }
    made = [measures[measure].alias(counter.field(measure)) for measure in counter.measures]
    table = by_day.with_columns(*before).select(key, "day", *made)
    return events.join(table, on=[key, "day"], how="left", maintain_order="left")


def encode_field(events: pl.DataFrame, train: pl.DataFrame, spec: FieldSpec) -> pl.Series:
    """One field's ids."""
    if spec.kind == "category":
        return category_ids(events[spec.name], train[spec.name], spec.min_count)
    if spec.kind == "bucket":
        return bucket_ids(numbers(events[spec.name]), numbers(train[spec.name]), spec)
    raise ValueError(f"{spec.name}: the rival knows no {spec.kind}")


def category_ids(values: pl.Series, train: pl.Series, min_count: int) -> pl.Series:
    """Ids by falling train frequency, ties by value; the last for all else."""
    name = values.name
    counts = train.drop_nulls().to_frame().group_by(name).len()
    known = counts.filter(pl.col("len") >= min_count).sort(["len", name], descending=[True, False])
    table = known.select(name).with_row_index("id")
    found = values.to_frame().join(table, on=name, how="left", maintain_order="left")["id"]
    return found.fill_null(len(table)).cast(pl.Int32).alias(name)


def numbers(values: pl.Series) -> pl.Series:
    """The numbers that texts spell."""
    return values.cast(pl.Float64, strict=False)


def bucket_ids(values: pl.Series, train: pl.Series, spec: FieldSpec) -> pl.Series:
    """How many train quantiles are at or below each number; the last id where there is none."""
    cuts = boundaries(train.drop_nulls(), spec.buckets)
    found = pl.Series(cuts, dtype=pl.Float64).search_sorted(values.fill_null(0.0), side="right")
    ids = pl.select(pl.when(values.is_null()).then(len(cuts) + 1).otherwise(found)).to_series()
    return ids.cast(pl.Int32).alias(values.name)


def boundaries(train: pl.Series, buckets: int) -> Sequence[float]:
    """The quantiles at 1/buckets, 2/buckets, ..., each once, without the least number."""
    counts = train.value_counts().sort(train.name)
    at_or_below = counts["count"].cum_sum()
    wanted = pl.Series([at_or_below[-1] * k / buckets for k in range(1, buckets)])
    places = at_or_below.cast(pl.Float64).search_sorted(wanted, side="left")
    values = counts[train.name]
    return sorted({cut for cut in values.gather(places).to_list() if cut > values[0]})


if __name__ == "__main__":
    main()

"""A click log of any size whose truth is known: who clicks, what is dirty, how good a model can be.

    python -m bench.data.synthetic --rows 1_000_000 --output DIR [--days 10] [--users N]
        [--items N] [--dirt 0.01] [--format csv|parquet] [--seed 1]

Writes below DIR `events/date=YYYY-MM-DD/part-NNNNN.csv.gz` (or .parquet), the side table
`items.csv.gz`, the scenario `synthetic.toml` and `truth.json`, and prints the truth. Every value is
a hash of the seed and the row's number, so that the rows are the same on any number of cores, and
the CSV files the same bytes. A click's logit is planted: what the user, the item, the taste of the
one for the category of the other, the tab and the position add, and a drift of every item by day.
"""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from bench.data.planted import (
    DAY_MS,
    FIRST_DAY,
    Dice,
    Truth,
    World,
    category_of,
    hidden,
    part_of,
    truth_of,
)
from secateur.spark import session

COLUMNS = ("event_id", "user_id", "item_id", "time_ms", "tab", "position", "click")


def log_rows(truth: DataFrame, world: World) -> DataFrame:
    """The log's rows as text, dirt and all; a repeated row is there twice."""
    dirt = F.col("dirt")
    midnight = F.unix_millis(F.lit(f"{FIRST_DAY} 00:00:00").cast("timestamp"))
    shift = F.when(dirt == "time_future", 3 * DAY_MS).otherwise(0)
    time = (midnight + F.col("day") * DAY_MS + F.col("ms") + shift).cast("string")
    copies = F.when(dirt == "repeated", 2).otherwise(1)
    return truth.select(
        "id",
        "day",
        "dirt",
        F.col("id").cast("string").alias("event_id"),
        _unless("user_missing", F.concat(F.lit("u"), "user"), None).alias("user_id"),
        _unless("item_missing", F.concat(F.lit("i"), "item"), None).alias("item_id"),
        _unless("time_unparsable", time, "never").alias("time_ms"),
        F.concat(F.lit("tab"), "tab").alias("tab"),
        F.col("position").cast("string").alias("position"),
        _unless("label_not_binary", F.col("label").cast("string"), "2").alias("click"),
        F.explode(F.sequence(F.lit(1), copies)).alias("copy"),
    )


def write(spark: SparkSession, world: World, folder: Path) -> Truth:
    """Write the log, its side table, its scenario and its truth below `folder`, a new one."""
    folder.mkdir(parents=True)
    # As many partitions as files, so that no partition holds rows of two days.
    truth = hidden(spark.range(0, world.rows, 1, world.files), world)
    rows = log_rows(truth, world)
    days = F.date_add(F.lit(str(FIRST_DAY)).cast("date"), F.col("day").cast("int"))
    _write_events(rows.withColumn("date", days.cast("string")), world, folder)
    _write_items(spark, world, folder)
    found = truth_of(truth, world)
    (folder / "truth.json").write_text(json.dumps(asdict(found), indent=1) + "\n")
    template = Path(__file__).with_name("synthetic.toml").read_text()
    filled = {"LOG_URI": folder.absolute().as_uri(), "FORMAT": world.format}
    for name, value in filled.items():
        template = template.replace(name, value)
    (folder / "synthetic.toml").write_text(template.replace('"DAYS"', str(world.days)))
    return found


def _unless(kind: str, value: Column, dirty: str | None) -> Column:
    return F.when(F.col("dirt") == kind, F.lit(dirty)).otherwise(value)


def _write_events(rows: DataFrame, world: World, folder: Path) -> None:
    target = folder / "events"
    if world.format == "parquet":
        typed = {"event_id": "bigint", "time_ms": "bigint", "position": "int", "click": "int"}
        columns = [F.col(c).try_cast(typed.get(c, "string")).alias(c) for c in COLUMNS]
        rows.select("date", *columns).write.partitionBy("date").parquet(target.as_uri())
    else:
        line = F.concat_ws(",", *(F.coalesce(c, F.lit("")) for c in COLUMNS))
        line = F.concat(line, F.when(F.col("dirt") == "malformed", ",?").otherwise(""))
        part = [part_of(F.col("id") - back, world.files, world.rows) for back in (0, 1)]
        first = ((F.col("id") == 0) | (part[0] != part[1])) & (F.col("copy") == 1)
        headed = F.when(first, F.concat(F.lit(",".join(COLUMNS) + "\n"), line)).otherwise(line)
        lines = rows.select("date", headed.alias("value"))
        lines.write.partitionBy("date").option("compression", "gzip").text(target.as_uri())
    _tidy(target)
    for day in sorted(target.glob("date=*")):
        _tidy(day)
        # Spark's files have random names: theirs is their number.
        for number, file in enumerate(sorted(day.glob("part-*"))):
            suffix = "parquet" if world.format == "parquet" else "csv.gz"
            file.rename(day / f"part-{number:05d}.{suffix}")


def _write_items(spark: SparkSession, world: World, folder: Path) -> None:
    pick = Dice(world.seed)
    items = spark.range(0, world.item_count, 1, 1).select(
        F.concat(F.lit("i"), "id").alias("item_id"),
        F.concat(F.lit("c"), category_of(F.col("id"), pick)).alias("category"),
        F.round(F.exp(2 + pick.effect(17, 1.0, F.col("id"))), 2).alias("price"),
    )
    scratch = folder / "items"
    items.write.option("header", "true").option("compression", "gzip").csv(scratch.as_uri())
    _tidy(scratch)
    (written,) = scratch.iterdir()
    written.rename(folder / "items.csv.gz")
    scratch.rmdir()


def _tidy(folder: Path) -> None:
    """Remove Spark's checksums and its mark of success."""
    for file in (*folder.glob(".*.crc"), *folder.glob("_SUCCESS")):
        file.unlink()


def main() -> None:
    """Write a log and print its truth."""
    flags = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    flags.add_argument("--rows", type=int, required=True)
    flags.add_argument("--output", type=Path, required=True, help="a new folder")
    for name in ("days", "users", "items", "seed"):
        flags.add_argument(f"--{name}", type=int, default=getattr(World, name))
    flags.add_argument("--dirt", type=float, default=World.dirt)
    flags.add_argument("--format", choices=("csv", "parquet"), default="csv")
    asked = vars(flags.parse_args())
    output = asked.pop("output")
    found = write(session(), World(**asked), output.absolute())
    sys.stdout.write(json.dumps(asdict(found), indent=1) + "\n")


if __name__ == "__main__":
    main()

"""Archive Spark's classes for the Javas to come, which then start in half of the seconds.

    .venv/bin/python infra/share_classes.py

`make setup` runs it. Java's class data sharing (JEP 350) loads classes that are parsed and verified
already, from `spark.jsa` in the environment, about 170 MB; `secateur.spark` finds them there.
"""

import os
import sys
import tempfile
from pathlib import Path

import pyarrow as pa

sys.path.append(str(Path(__file__).parents[1] / "jobs"))

from pyspark import SparkContext
from pyspark.sql import SparkSession, Window
from pyspark.sql import functions as F  # noqa: N812

from secateur.spark import (
    JAVA_OPTIONS,
    MASTER,
    SHARED_CLASSES,
    contents,
    file_uri,
    read_parquet,
    session,
    write_days,
)


def use_classes(spark: SparkSession, folder: Path) -> None:
    """Run what the verbs do: read text and Parquet, parse, join, rank, count and write."""
    texts = pa.table({"value": [f"{n},u{n % 3},2024-03-0{1 + n % 2}" for n in range(100)]})
    lines = file_uri(folder / "lines")
    spark.createDataFrame(texts).write.text(lines)
    parsed = F.from_csv("value", "n bigint, user string, day string", {"mode": "PERMISSIVE"})
    rows = spark.read.text(lines).select(parsed.alias("row"))
    events = rows.select("row.*", F.to_json("row").alias("text"))
    users = spark.createDataFrame(pa.table({"user": ["u1", "u2"], "age": [1, 2]}))
    joined = events.join(F.broadcast(users), on="user", how="left")
    newest = F.row_number().over(Window.partitionBy("user").orderBy("n"))
    files = write_days(joined.withColumn("rank", newest).repartition("day"), ["n"], folder / "days")
    contents(spark, list(files.values()), "day")
    days = read_parquet(spark, list(files.values())).persist()
    days.groupBy("day").agg(F.count_if(F.col("rank") == 1)).collect()
    days.agg(F.percentile("n", 0.5), F.collect_set("user"), F.max("text")).collect()
    days.unpersist()


def main() -> None:
    """Write the archive in the place of an older one."""
    SHARED_CLASSES.unlink(missing_ok=True)
    made = SHARED_CLASSES.with_suffix(".new")
    os.environ[MASTER] = "local[2]"
    quick = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"  # the readers' options may be others
    os.environ[JAVA_OPTIONS] = f'{quick} "-XX:ArchiveClassesAtExit={made}" -Xlog:cds*=off'
    with tempfile.TemporaryDirectory() as folder:
        spark = session()
        use_classes(spark, Path(folder))
        spark.stop()
    gateway = SparkContext._gateway
    gateway.shutdown()
    gateway.proc.stdin.close()  # Java ends, and writes the classes that it has loaded
    gateway.proc.wait()
    made.rename(SHARED_CLASSES)


if __name__ == "__main__":
    main()

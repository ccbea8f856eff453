"""One quiet, fixed Spark for the data rooms, and files that are the same bytes at every run.

The master is spark-submit's own, else `SECATEUR_SPARK_MASTER`, else every core of this machine.
"""

import logging
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - the name Spark's own pages use

MASTER = "SECATEUR_SPARK_MASTER"
MEMORY = "SECATEUR_SPARK_MEMORY"
UNDER_SPARK_SUBMIT = "PYSPARK_GATEWAY_PORT"
_FOLDER = "_day"
_ROWS_A_GROUP = 1 << 18

_SETTINGS = {
    "spark.log.level": "WARN",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.shuffle.partitions": "8",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "65536",
    # A row with too many columns is only seen by a parser that reads them all.
    "spark.sql.csv.parser.columnPruning.enabled": "false",
}
# Python workers unpickle functions of this package by name.
_PACKAGES = {"spark.executorEnv.PYTHONPATH": str(Path(__file__).parents[1])}
_LOCAL_SETTINGS = {
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    # A local run is over before the second compiler's better code would pay. Without it Java keeps
    # 48 MB for code, and a long session that fills them dies of "Out of space in CodeCache".
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m",
}


def session() -> SparkSession:
    """The process's Spark session, started on the first call."""
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    logging.getLogger("py4j").setLevel(logging.WARNING)
    builder = SparkSession.builder.appName("secateur").config(map=dict(_settings()))
    return builder.getOrCreate()


def _settings() -> Mapping[str, str]:
    if UNDER_SPARK_SUBMIT in os.environ:
        return {**_SETTINGS, **_PACKAGES}
    master = os.environ.get(MASTER, "local[*]")
    local = _LOCAL_SETTINGS if master.startswith("local") else {}
    if local:  # else it complains of a host name that resolves to the loopback address
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    memory = {"spark.driver.memory": os.environ.get(MEMORY, "2g")}
    return {**_SETTINGS, **_PACKAGES, **local, **memory, "spark.master": master}


def file_uri(path: Path) -> str:
    """A local path as Spark wants it: `Path.as_uri` escapes the = of `date=...`, Spark does not."""
    return f"file://{path.absolute()}"


def read_parquet(spark: SparkSession, files: Sequence[Path]) -> DataFrame:
    """Read exactly these files; folder names such as `date=...` add no column."""
    paths = [file_uri(file) for file in files]
    return spark.read.option("recursiveFileLookup", "true").parquet(*paths)


def write_days(frame: DataFrame, order: Sequence[str], scratch: Path) -> dict[str, Path]:
    """Write one Parquet file a value of the column `day`, its rows in the total order `order`.

    `frame` has each day in one partition. Returns each day's file, somewhere below `scratch`, by
    rising day. The bytes depend on the rows alone: not on their order, nor on the number of cores.
    """
    named = frame.withColumn(_FOLDER, F.col("day"))
    ordered = named.sortWithinPartitions(_FOLDER, *order)
    ordered.write.partitionBy(_FOLDER).parquet(file_uri(scratch))
    folders = sorted(scratch.glob(f"{_FOLDER}=*"))
    return {folder.name.partition("=")[2]: _only_file(folder) for folder in folders}


def write_one(frame: DataFrame, order: Sequence[str], scratch: Path) -> Path:
    """Write one Parquet file, its rows in the total order `order`."""
    frame.repartition(1).sortWithinPartitions(*order).write.parquet(file_uri(scratch))
    return _only_file(scratch)


def place(file: Path, folder: Path, number: int = 0) -> Path:
    """Put a written file into an artifact as `part-NNNNN.parquet`, spelled by Arrow.

    Spark's writer orders the encodings in a footer by the JVM's identity hashes, so that its files
    differ from one process to the next though their rows are the same.
    """
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"part-{number:05d}.parquet"
    source = pq.ParquetFile(file)
    schema = source.schema_arrow.remove_metadata()
    with pq.ParquetWriter(target, schema, compression="zstd") as writer:
        for batch in source.iter_batches(batch_size=_ROWS_A_GROUP):
            writer.write_batch(batch.replace_schema_metadata())
    file.unlink()
    return target


def _only_file(folder: Path) -> Path:
    (file,) = folder.glob("part-*.parquet")
    return file

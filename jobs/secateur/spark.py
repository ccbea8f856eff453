"""One quiet, fixed Spark for the data rooms, and files that are the same bytes at every run.

The master is spark-submit's own, else `SECATEUR_SPARK_MASTER`, else every core of this machine.
"""

import logging
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow.parquet as pq
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - the name Spark's own pages use
from pyspark.sql.pandas.types import from_arrow_schema

from secateur.contracts.artifact_files import (
    SIDES,
    VERSION_BOUNDS,
    VERSION_END,
    VERSION_FROM,
    part_name,
)
from secateur.encoding.numbers import NUMBER
from secateur.scenario import SideTable
from secateur.scenario.raw_log.column_names import INTERNAL

MASTER = "SECATEUR_SPARK_MASTER"
MEMORY = "SECATEUR_SPARK_MEMORY"
JAVA_OPTIONS = "SECATEUR_SPARK_JAVA_OPTIONS"
UNDER_SPARK_SUBMIT = "PYSPARK_GATEWAY_PORT"
# Spark's classes, parsed and verified at set-up by `infra/share_classes.py`.
SHARED_CLASSES = Path(sys.prefix) / "spark.jsa"
_FOLDER = f"{INTERNAL}day"
_SIDE_KEY = f"{INTERNAL}side_key"
_ROWS_A_GROUP = 1 << 18

_SETTINGS = {
    "spark.log.level": "WARN",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.shuffle.partitions": "8",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "65536",
    # The Python line that an expression comes from, asked by several calls into Java each.
    "spark.python.sql.dataFrameDebugging.enabled": "false",
    # A row with too many columns is only seen by a parser that reads them all.
    "spark.sql.csv.parser.columnPruning.enabled": "false",
    # A log may have a column `Day` beside a column `day`.
    "spark.sql.caseSensitive": "true",
    # A column's name, and the SQL of a scenario, is no template: `${env:X}` would become the secret
    # that a variable of the environment is, even within backticks.
    "spark.sql.variable.substitute": "false",
    # Timestamps in nanoseconds are whole numbers to Spark, or else an error.
    "spark.sql.legacy.parquet.nanosAsLong": "true",
}
# Python workers unpickle functions of this package by name.
_PACKAGES = {"spark.executorEnv.PYTHONPATH": str(Path(__file__).parents[1])}
_LOCAL_SETTINGS = {
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
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
    driver = {
        "spark.driver.memory": os.environ.get(MEMORY, "2g"),
        "spark.driver.extraJavaOptions": " ".join(_java_options()),
    }
    return {**_SETTINGS, **_PACKAGES, **local, **driver, "spark.master": master}


def _java_options() -> list[str]:
    """What the site asks for, and the shared classes where there are some: a start takes half then.

    Another Java, or jars elsewhere, cannot use them; it need not say so.
    """
    asked = [os.environ.get(JAVA_OPTIONS, "")]
    if not SHARED_CLASSES.exists():
        return asked
    return [*asked, f'"-XX:SharedArchiveFile={SHARED_CLASSES}"', "-Xlog:cds*=off"]


def column_named(name: str) -> Column:
    """The column of exactly this name: a dot in it is no access to a struct."""
    return F.col(quoted_name(name))


def quoted_name(name: str) -> str:
    """The name of exactly this column in Spark SQL."""
    return "`" + name.replace("`", "``") + "`"


def finite_number(name: str) -> Column:
    """The finite number (double) that a column holds or spells, null where it holds none.

    A text spells those that `secateur.encoding.numbers` reads.
    """
    column = column_named(name)
    is_number = column.cast("string").rlike(rf"^{NUMBER}\z")
    number = F.when(is_number, column.try_cast("double"))
    return F.when(is_finite(number), number)


def is_finite(number: Column) -> Column:
    """True for a finite double: not for null, NaN (in Spark greater than all else) or infinity."""
    return F.coalesce(F.abs(number) < F.lit(float("inf")), F.lit(False))


def local_date(time_ms: Column, timezone: str) -> Column:
    """The date on which milliseconds since 1970 (bigint, UTC) fall in an IANA time zone."""
    return F.to_date(F.from_utc_timestamp(F.timestamp_millis(time_ms), timezone))


def file_uri(path: Path) -> str:
    """A local path as Spark wants it: `Path.as_uri` escapes the = of `date=...`, Spark does not."""
    return f"file://{path.absolute()}"


def read_parquet(spark: SparkSession, files: Sequence[Path]) -> DataFrame:
    """Read exactly these files, of the first one's schema; folder names such as `date=...` add no
    column.

    Arrow tells the schema: Spark would start a job to look at one footer.
    """
    schema = from_arrow_schema(pq.read_schema(files[0]))
    reader = spark.read.schema(schema).option("recursiveFileLookup", "true")
    return reader.parquet(*map(file_uri, files))


def join_sides(events: DataFrame, folder: Path, sides: Sequence[SideTable]) -> DataFrame:
    """Add the columns of an EventSet's side tables to its events; null where a key is unknown.

    Of a dated table it is the version that held at the event's time. The tables are broadcast, so
    that the events stay where they are and in their order.
    """
    for side in sides:
        events = join_side(events, read_side(events.sparkSession, folder, side), side.key)
    return events


def read_side(spark: SparkSession, folder: Path, side: SideTable) -> DataFrame:
    """The rows of one side table of an EventSet."""
    return read_parquet(spark, sorted(folder.glob(f"{SIDES}/{side.name}/part-*.parquet")))


def join_side(events: DataFrame, table: DataFrame, key: str) -> DataFrame:
    """The events with the columns of the row that each joins, null where it joins none."""
    if VERSION_FROM not in table.columns:
        return events.join(F.broadcast(table), on=key, how="left")
    version = table.withColumnRenamed(key, _SIDE_KEY)
    held = (F.col("time_ms") >= F.col(VERSION_FROM)) & (F.col("time_ms") < F.col(VERSION_END))
    same = column_named(key) == F.col(_SIDE_KEY)
    joined = events.join(F.broadcast(version), on=same & held, how="left")
    return joined.drop(_SIDE_KEY, *VERSION_BOUNDS)


def write_days(frame: DataFrame, order: Sequence[str], scratch: Path) -> dict[str, Path]:
    """Write one Parquet file a value of the column `day`, its rows in the total order `order`.

    `frame` has each day in one partition. Returns each day's file, somewhere below `scratch`, by
    rising day. The bytes depend on the rows alone: not on their order, nor on the number of cores.
    """
    of_days = frame.withColumn(_FOLDER, F.col("day"))
    ordered = of_days.sortWithinPartitions(_FOLDER, *order)
    ordered.write.partitionBy(_FOLDER).parquet(file_uri(scratch))
    folders = sorted(scratch.glob(f"{_FOLDER}=*"))
    return {folder.name.partition("=")[2]: _only_file(folder) for folder in folders}


def write_one(frame: DataFrame, order: Sequence[str], scratch: Path) -> Path:
    """Write one Parquet file, its rows in the total order `order`."""
    frame.repartition(1).sortWithinPartitions(*order).write.parquet(file_uri(scratch))
    return _only_file(scratch)


def content(spark: SparkSession, files: Sequence[Path]) -> str:
    """What files hold, in 16 hex digits that know no order: the sum modulo 2^64 of row hashes.

    A row's hash is Spark's `xxhash64` (seed 42) over its columns in the files' order. Two sets of
    files with the same rows have the same sum, however the rows lie in them; a row that is lost,
    altered or there twice changes it.
    """
    rows = read_parquet(spark, files)
    (found,) = rows.agg(*_sums_of_hashes(rows)).collect()
    return _hex(*found)


def contents(spark: SparkSession, files: Sequence[Path], key: str) -> dict[str, str]:
    """The `content` of the rows of each value of a column, at one reading of all files."""
    rows = read_parquet(spark, files)
    found = rows.groupBy(key).agg(*_sums_of_hashes(rows)).collect()
    return {value: _hex(high, low) for value, high, low in found}


def _sums_of_hashes(rows: DataFrame) -> tuple[Column, ...]:
    """The sums of the upper and of the lower halves of the rows' hashes."""
    row = F.xxhash64(*map(column_named, rows.columns))
    # Its halves are summed apart: a sum of whole ones overflows, and one of decimals takes twice
    # the time.
    halves = F.shiftrightunsigned(row, 32), row.bitwiseAND(F.lit((1 << 32) - 1))
    return tuple(F.coalesce(F.sum(half), F.lit(0)) for half in halves)


def _hex(high: int, low: int) -> str:
    return f"{((high << 32) + low) % (1 << 64):016x}"


def move_part(file: Path, folder: Path, number: int = 0) -> Path:
    """Move a written file into an artifact as `part-NNNNN.parquet`, spelled by Arrow.

    Spark's writer orders the encodings in a footer by the JVM's identity hashes, so that its files
    differ from one process to the next though their rows are the same.
    """
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / part_name(number)
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

"""Raw CSV as Spark frames of canonical strings, side tables joined."""

from collections.abc import Mapping, Sequence

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812
from pyspark.sql.types import StringType, StructType

from secateur.events.window import DAY_FOLDER, RawFile, RawLog
from secateur.scenario import SideTable
from secateur.spark import file_uri
from secateur.values import WHOLE_NUMBER

MALFORMED = "_malformed"
SOURCE = "_source"
DAY = "day"


def canonical(value: Column) -> Column:
    """The spelling of `secateur.values.canonical`; empty and blank become null."""
    text = F.trim(value)
    # The pattern costs much more than to see that it cannot match.
    may_match = text.endswith("0") & text.contains(".")
    spelled = F.when(may_match, F.regexp_replace(text, WHOLE_NUMBER, "$1")).otherwise(text)
    return F.nullif(spelled, F.lit(""))


def read_events(spark: SparkSession, log: RawLog) -> DataFrame:
    """Read the window's rows: raw strings, `_malformed`, `_source` and the folder's `day`.

    `_malformed` is the whole line where it has more or fewer columns than the header, else null.
    """
    path = F.col("_metadata.file_path")
    source = F.substring_index(path, "/", -3)
    day = F.substring_index(F.substring_index(path, "/", -2), "/", 1)
    day = F.replace(day, F.lit(DAY_FOLDER))
    return _csv(spark, log.events).select("*", source.alias(SOURCE), day.alias(DAY))


def join_sides(
    events: DataFrame,
    log: RawLog,
    sides: Sequence[SideTable],
    missing: Mapping[str, Sequence[str]],
) -> DataFrame:
    """Add the side tables' columns to events of canonical strings; null where a key is unknown.

    The tables are broadcast, so that the events stay where they are and in their order.
    """
    for side in sides:
        file = log.sides[side.name]
        table = canonical_columns(_csv(events.sparkSession, [file]), file.columns, missing)
        table = table.where(F.col(side.key).isNotNull()).drop(MALFORMED)
        events = events.join(F.broadcast(table), on=side.key, how="left")
    return events


def canonical_columns(
    frame: DataFrame, columns: Sequence[str], missing: Mapping[str, Sequence[str]]
) -> DataFrame:
    """Spell `columns` canonically; the values that mean "missing" become null."""

    def clean(name: str) -> Column:
        value = canonical(F.col(name))
        absent = missing.get(name)
        return F.when(~value.isin(*absent), value) if absent else value

    return frame.withColumns({name: clean(name) for name in columns})


def _csv(spark: SparkSession, files: Sequence[RawFile]) -> DataFrame:
    schema = StructType()
    for name in (*files[0].columns, MALFORMED):
        schema.add(name, StringType())
    reader = spark.read.schema(schema).option("header", "true").option("mode", "PERMISSIVE")
    reader = reader.option("columnNameOfCorruptRecord", MALFORMED).option("escape", '"')
    reader = reader.option("recursiveFileLookup", "true")
    return reader.csv([file_uri(file.path) for file in files])

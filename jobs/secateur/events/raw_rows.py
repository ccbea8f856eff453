"""Raw files of any format as Spark frames of text, each row with where it came from."""

from collections.abc import Mapping, Sequence
from datetime import date

import pyarrow as pa
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812
from pyspark.sql.types import StringType, StructType

from secateur.events.compressed_text import BOM
from secateur.events.raw_files import RawFile
from secateur.events.spark_spelling import as_text, canonical_column
from secateur.local_days import ONE_DAY, midnight_ms
from secateur.scenario import SideTable, TableFormat
from secateur.scenario.sections.logs import DELIMITERS, QUOTES
from secateur.spark import column_named, file_uri, quoted_name

FAULT, TEXT, SOURCE, DAY = "_fault", "_text", "_source", "day"
FIRST_MS, LAST_MS = "_first_ms", "_last_ms"
MALFORMED, UNDECODABLE, REPEATED_HEADER = "malformed", "undecodable", "repeated_header"
_PATH, _HEADER, _PARSED = "_path", "_header", "_parsed"
_WIDEST = 10_000  # columns; the parser gives up on a few thousand more


def raw_rows(spark: SparkSession, files: Sequence[RawFile], table: TableFormat) -> DataFrame:
    """Every row that is not blank, header lines among them, before anything is parsed.

    Columns: the row (`_text`, or the Parquet file's own columns), `_path`.
    """
    reader = spark.read.option("recursiveFileLookup", "true")
    paths = [file_uri(file.path) for file in files]
    # Spark escapes what a URI does; + stands for itself there.
    path = F.url_decode(F.replace("_metadata.file_path", F.lit("+"), F.lit("%2B")))
    path = F.regexp_replace(path, "^file:/+", "/").alias(_PATH)
    if table.format == "parquet":
        return reader.parquet(*paths).select("*", path)
    lines = reader.text(paths).select(F.col("value").alias(TEXT), path)
    return lines.where(F.length(F.btrim(TEXT, F.lit("\x00\t\r\n\x0b\x0c "))) > 0)


def parse_rows(
    rows: DataFrame, files: Sequence[RawFile], table: TableFormat, timezone: str = "UTC"
) -> DataFrame:
    """Columns as text, and `_fault` (a reason code or null), `_text`, `_source` and the folder's
    `day` with its first and last millisecond, null in a flat log.
    """
    rows = rows.join(F.broadcast(_origins(rows.sparkSession, files, timezone)), _PATH)
    origin = (SOURCE, DAY, FIRST_MS, LAST_MS)
    names = files[0].columns
    if table.format == "parquet":
        types = {field.name: field.dataType for field in rows.schema}
        texts = [as_text(column_named(name), types[name]).alias(name) for name in names]
        nothing = F.lit(None).cast("string")
        return rows.select(*texts, nothing.alias(FAULT), nothing.alias(TEXT), *origin)
    readable = F.make_valid_utf8(TEXT)
    text = F.when(readable.startswith(BOM), F.substring(readable, 2, 1 << 30)).otherwise(readable)
    fault = F.when(~F.is_valid_utf8(TEXT), UNDECODABLE).when(
        text == F.col(_HEADER), REPEATED_HEADER
    )
    rows = rows.select(text.alias(TEXT), fault.alias(FAULT), *origin)
    usable = F.when(F.col(FAULT).isNull(), F.col(TEXT))
    parsed = rows.select("*", _parse_text(usable, names, table).alias(_PARSED))
    bad = F.col(_PARSED)[MALFORMED].isNotNull() | F.col(_PARSED).isNull()
    columns = (F.col(_PARSED)[name].alias(name) for name in names)
    found = F.coalesce(FAULT, F.when(bad, MALFORMED)).alias(FAULT)
    return parsed.select(*columns, found, TEXT, *origin)


def side_rows(
    spark: SparkSession, file: RawFile, side: SideTable, missing: Mapping[str, Sequence[str]]
) -> DataFrame:
    """A side table's rows of canonical strings, with `_fault`; null keys and headers left out."""
    rows = parse_rows(raw_rows(spark, [file], side), [file], side)
    columns = (canonical_column(name, missing) for name in file.columns)
    is_header = F.coalesce(F.col(FAULT) == REPEATED_HEADER, F.lit(False))
    table = rows.where(~is_header).select(*columns, FAULT)
    return table.where(column_named(side.key).isNotNull() | F.col(FAULT).isNotNull())


def _parse_text(text: Column, names: Sequence[str], table: TableFormat) -> Column:
    schema = StructType()
    for name in (*names, MALFORMED):
        schema.add(name, StringType())
    options = {"columnNameOfCorruptRecord": MALFORMED, "mode": "PERMISSIVE"}
    if table.format not in DELIMITERS:
        return F.from_json(text, schema, options)
    separator = table.separator
    width = F.length(text) - F.length(F.replace(text, F.lit(separator), F.lit("")))
    narrow = F.when(width < _WIDEST, text)
    options |= {"sep": separator, "quote": QUOTES[table.format], "escape": '"'}
    options["maxCharsPerColumn"] = "-1"
    ddl = ", ".join(f"{quoted_name(field.name)} string" for field in schema)
    return F.from_csv(narrow, ddl, options)


def _origins(spark: SparkSession, files: Sequence[RawFile], timezone: str) -> DataFrame:
    """One row a file. Joined to the rows, and no part of an expression over them, it keeps Spark
    from working out the same expression once a mention.
    """
    days = [None if file.day is None else date.fromisoformat(file.day) for file in files]
    first = [day and midnight_ms(day, timezone) for day in days]
    last = [day and midnight_ms(day + ONE_DAY, timezone) - 1 for day in days]
    table = {
        _PATH: [str(file.path.absolute()) for file in files],
        SOURCE: [file.key for file in files],
        DAY: pa.array([file.day for file in files], pa.string()),
        _HEADER: pa.array([file.header for file in files], pa.string()),
        FIRST_MS: pa.array(first, pa.int64()),
        LAST_MS: pa.array(last, pa.int64()),
    }
    return spark.createDataFrame(pa.table(table))

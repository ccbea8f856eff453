"""Raw files of any format as one Spark frame of text, each row with where it came from."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from functools import reduce

import pyarrow as pa
from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812
from pyspark.sql.types import ArrayType, StringType, StructField, StructType

from secateur.contracts.errors import Refused
from secateur.events.raw_files import log_columns
from secateur.events.reading.member_columns import (
    member,
    text_schema,
    type_at,
    type_of_texts,
    with_instants,
)
from secateur.events.reading.raw_file import RawFile
from secateur.events.spark_spelling import as_text, canonical_column, json_text
from secateur.local_days import ONE_DAY, midnight_ms
from secateur.scenario import SideTable, TableFormat
from secateur.scenario.raw_log.column_names import INTERNAL
from secateur.scenario.raw_log.compressed_text import BLANK, BOM
from secateur.scenario.raw_log.members import Path as MemberPath
from secateur.scenario.sections.tables import DELIMITERS, QUOTES
from secateur.spark import column_named, file_uri, quoted_name

DAY = "day"
FAULT, TEXT, SOURCE = f"{INTERNAL}fault", f"{INTERNAL}text", f"{INTERNAL}source"
FIRST_MS, LAST_MS = f"{INTERNAL}first_ms", f"{INTERNAL}last_ms"
MALFORMED, UNDECODABLE, REPEATED_HEADER = "malformed", "undecodable", "repeated_header"
_FILE, _HEADER, _PARSED = f"{INTERNAL}file", f"{INTERNAL}header", f"{INTERNAL}parsed"
_BAD, _OBJECTS, _MARK = (f"{INTERNAL}{name}" for name in ("bad", "objects", "mark"))
_FIRST, _LAST = "first", "last"
_ORIGIN = (SOURCE, DAY, FIRST_MS, LAST_MS)
_WIDEST = 10_000  # columns; the parser gives up on a few thousand more
_UNREADABLE = "FAILED_READ_FILE"  # what Spark calls it


def raw_rows(
    spark: SparkSession, files: Sequence[RawFile], table: TableFormat, timezone: str = "UTC"
) -> DataFrame:
    """Every row that is not blank, header lines among them.

    Columns as text, null where a file has not got one; `FAULT` (a reason code or null), `TEXT`,
    `SOURCE` and the folder's `day` with its first and last millisecond, null in a flat log.
    """
    alike: dict[str, list[RawFile]] = {}
    for file in files:
        alike.setdefault(file.shape, []).append(file)
    order = [*map(column_named, (*log_columns(files), FAULT, TEXT, *_ORIGIN))]
    frames = (_rows_alike(spark, group, table, timezone) for group in alike.values())
    return reduce(DataFrame.union, (frame.select(*order) for frame in frames))


def side_rows(
    spark: SparkSession, file: RawFile, side: SideTable, missing: Mapping[str, Sequence[str]]
) -> DataFrame:
    """A side table's rows of canonical strings, with `FAULT`; null keys and headers left out.

    Raises Refused where Spark reads another number of them than the file holds.
    """
    rows = raw_rows(spark, [file], side)
    demand_every_record(rows, [file])
    columns = (canonical_column(name, missing) for name in file.columns)
    is_header = F.coalesce(F.col(FAULT) == REPEATED_HEADER, F.lit(False))
    table = rows.where(~is_header).select(*columns, FAULT)
    return table.where(column_named(side.key).isNotNull() | F.col(FAULT).isNotNull())


@contextmanager
def refusing_damage(files: Sequence[RawFile]) -> Iterator[None]:
    """Turn Spark's error on a file that it cannot read into a refusal. Raises Refused naming it."""
    try:
        yield
    except (PySparkException, Py4JJavaError) as error:
        said = str(error)
        damaged = next((file for file in files if str(file.path) in said), None)
        if damaged is None or _UNREADABLE not in said:
            raise
        (why, *_) = said[said.index(_UNREADABLE) :].splitlines()
        raise Refused(f"{damaged.key} cannot be read to its end: {why}") from error


def demand_every_record(rows: DataFrame, files: Sequence[RawFile]) -> None:
    """Insist that Spark read what the files hold. `rows` has `SOURCE`.

    Raises Refused naming the file.
    """
    counted = rows.groupBy(SOURCE).count().collect()
    demand_records({row[SOURCE]: row["count"] for row in counted}, files)


def demand_records(found: Mapping[str, int], files: Sequence[RawFile]) -> None:
    """Insist that `found` has of each file as many rows as it has records.

    Raises Refused naming the file.
    """
    for file in files:
        read = found.get(file.key, 0)
        if read != file.records:
            raise Refused(f"{file.key} holds {file.records:,} records, but {read:,} were read")


def _rows_alike(
    spark: SparkSession, files: Sequence[RawFile], table: TableFormat, timezone: str
) -> DataFrame:
    """The rows of files of one shape."""
    reader = spark.read.option("recursiveFileLookup", "true")
    paths = [file_uri(file.path) for file in files]
    is_parquet = table.format == "parquet"
    read = reader.parquet(*paths) if is_parquet else reader.text(paths)
    origins = F.broadcast(_origins(spark, files, timezone))
    # Not by its name alone: a log may have a column `_metadata`.
    name = read.metadataColumn("_metadata")["file_name"].alias(_FILE)
    if is_parquet:
        texts = read.select(*_parquet_texts(read, files[0]), name)
        nothing = F.lit(None).cast("string")
        return texts.join(origins, _FILE).withColumns({FAULT: nothing, TEXT: nothing})
    lines = read.select(F.col("value").alias(TEXT), name)
    records = lines.where(F.length(F.btrim(TEXT, F.lit(BLANK))) > 0)
    return _text_rows(records.join(origins, _FILE), files, table)


def _parquet_texts(read: DataFrame, file: RawFile) -> Iterator[Column]:
    """The columns of a Parquet file as text, under their known names."""
    for field, column in file.names.items():
        path = file.path_of(field)
        value = member(column_named(path[0].key), path[1:])
        kind, stored = type_at(read.schema, path), file.stored_type(column)
        yield as_text(*with_instants(value, stored, kind)).alias(column)


def _text_rows(rows: DataFrame, files: Sequence[RawFile], table: TableFormat) -> DataFrame:
    readable = F.make_valid_utf8(TEXT)
    text = F.when(readable.startswith(BOM), F.substring(readable, 2, 1 << 30)).otherwise(readable)
    fault = F.when(~F.is_valid_utf8(TEXT), UNDECODABLE).when(
        text == F.col(_HEADER), REPEATED_HEADER
    )
    rows = rows.select(text.alias(TEXT), fault.alias(FAULT), *_ORIGIN)
    usable = F.when(F.col(FAULT).isNull(), F.col(TEXT))
    paths = {name: file.path_of(field) for file in files for field, name in file.names.items()}
    schema = text_schema(dict.fromkeys(paths.values()))
    parsed = rows.select("*", _parse_text(usable, schema, table).alias(_PARSED))
    is_json, whole = table.format not in DELIMITERS, F.col(_PARSED)
    row = F.get(whole[_OBJECTS], 1) if is_json else whole
    bad = whole[_BAD].isNotNull() | row.isNull()
    if is_json:
        marks = F.transform(whole[_OBJECTS], lambda one: F.coalesce(one[_MARK], F.lit("")))
        bad |= marks != F.array(F.lit(_FIRST), F.lit(""), F.lit(_LAST))
    columns = (_text_at(row, path, is_json=is_json).alias(name) for name, path in paths.items())
    found = F.coalesce(FAULT, F.when(bad, MALFORMED)).alias(FAULT)
    return parsed.select(*columns, found, TEXT, *_ORIGIN)


def _text_at(row: Column, path: MemberPath, *, is_json: bool) -> Column:
    """The text at the end of a path in a parsed row."""
    kind = type_of_texts(path)
    text = as_text(member(row, path), kind)
    return json_text(text) if is_json and isinstance(kind, StringType) else text


def _parse_text(text: Column, schema: StructType, table: TableFormat) -> Column:
    options = {"columnNameOfCorruptRecord": _BAD, "mode": "PERMISSIVE"}
    if table.format not in DELIMITERS:
        return _parse_json(text, schema, options)
    schema = schema.add(_BAD, StringType())
    separator = table.separator
    width = F.length(text) - F.length(F.replace(text, F.lit(separator), F.lit("")))
    narrow = F.when(width < _WIDEST, text)
    options |= {"sep": separator, "quote": QUOTES[table.format], "escape": '"'}
    options["maxCharsPerColumn"] = "-1"
    ddl = ", ".join(f"{quoted_name(field.name)} string" for field in schema)
    return F.from_csv(narrow, ddl, options)


def _parse_json(text: Column, schema: StructType, options: dict[str, str]) -> Column:
    """The objects on a line between two marks, within an array of their own: Spark stops reading
    behind the first value, and would lose what else stands there.

    A line may close the array itself, and even open it again: then a mark is lacking.
    """
    marked = StructType([*schema, StructField(_MARK, StringType())])
    line = StructType().add(_OBJECTS, ArrayType(marked)).add(_BAD, StringType())
    first, last = (f'{{"{_MARK}":"{mark}"}}' for mark in (_FIRST, _LAST))
    whole = F.concat(F.lit(f'{{"{_OBJECTS}":[{first},'), text, F.lit(f",{last}]}}"))
    return F.from_json(whole, line, options | {"allowSingleQuotes": "false"})


def _origins(spark: SparkSession, files: Sequence[RawFile], timezone: str) -> DataFrame:
    """One row a file. Joined to the rows, and no part of an expression over them, it keeps Spark
    from working out the same expression once a mention.
    """
    days = [None if file.day is None else date.fromisoformat(file.day) for file in files]
    first = [day and midnight_ms(day, timezone) for day in days]
    last = [day and midnight_ms(day + ONE_DAY, timezone) - 1 for day in days]
    table = {
        _FILE: [file.path.name for file in files],
        SOURCE: [file.key for file in files],
        DAY: pa.array([file.day for file in files], pa.string()),
        _HEADER: pa.array([file.header for file in files], pa.string()),
        FIRST_MS: pa.array(first, pa.int64()),
        LAST_MS: pa.array(last, pa.int64()),
    }
    return spark.createDataFrame(pa.table(table))

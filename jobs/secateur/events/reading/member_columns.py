"""Members of objects and structs in Spark: see `scenario.raw_log.members`."""

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from functools import reduce

import pyarrow as pa
from pyspark.sql import Column
from pyspark.sql import functions as F  # noqa: N812
from pyspark.sql.types import (
    ArrayType,
    DataType,
    LongType,
    StringType,
    StructType,
    TimestampNTZType,
    TimestampType,
)

from secateur.contracts.errors import Refused
from secateur.scenario.raw_log.members import Path, PathStep, is_list

_THOUSANDTH = Decimal("0.001")
_MOST_DIGITS = 38  # of Spark's decimals


def member(row: Column, path: Path) -> Column:
    """The value at the end of a path below a struct, of an array of structs their values."""
    return reduce(Column.getField, (step.key for step in path), row)


def text_schema(paths: Iterable[Path]) -> StructType:
    """What Spark reads from a row of JSON: a text at the end of every path.

    Raises Refused where a key holds a value on one path, and an object on another.
    """
    tree: dict[PathStep, list[Path]] = {}
    for first, *rest in paths:
        tree.setdefault(first, []).append(tuple(rest))
    keys = Counter(step.key for step in tree)
    schema = StructType()
    for step, below in tree.items():
        is_value = not all(below)
        if keys[step.key] > 1 or (is_value and len(below) > 1):
            raise Refused(f"{step.key!r} holds a value in one file, and an object in another")
        kind: DataType = StringType() if is_value else text_schema(below)
        schema.add(step.key, ArrayType(kind) if step.many else kind)
    return schema


def type_of_texts(path: Path) -> DataType:
    """The type of `member` in a row of a `text_schema`."""
    many = any(step.many for step in path)
    return ArrayType(StringType()) if many else StringType()


def type_at(schema: StructType, path: Path) -> DataType:
    """The type of `member` in a row of any schema."""
    first, *rest = path
    kind = schema[first.key].dataType
    if not rest:
        return kind
    if isinstance(kind, ArrayType):
        return ArrayType(type_at(kind.elementType, tuple(rest)))
    return type_at(kind, tuple(rest))


def with_instants(column: Column, stored: pa.DataType, kind: DataType) -> tuple[Column, DataType]:
    """A column that Spark read as `kind`, its timestamps in nanoseconds as timestamps again.

    To Spark they are whole numbers; here they are cut to the microsecond below.
    """
    if is_list(stored) and isinstance(kind, ArrayType):
        inside, kind_inside = stored.value_type, kind.elementType
        _, made = with_instants(column, inside, kind_inside)
        if made == kind_inside:
            return column, kind
        instants = F.transform(column, lambda one: with_instants(one, inside, kind_inside)[0])
        return instants, ArrayType(made)
    if not pa.types.is_timestamp(stored) or not isinstance(kind, LongType):
        return column, kind
    micros = F.floor(column.cast("decimal(20,0)") * F.lit(_THOUSANDTH)).cast("bigint")
    instant = F.timestamp_micros(micros)
    if stored.tz:
        return instant, TimestampType()
    return instant.cast("timestamp_ntz"), TimestampNTZType()


def demand_readable(name: str, kind: pa.DataType) -> None:
    """Insist on a type that Spark knows, and whose values a service's are spelled like.

    Raises Refused naming the column.
    """
    if not _is_readable(kind):
        raise Refused(f"{name} is of type {kind}: write it as text or as a number")


def _is_readable(kind: pa.DataType) -> bool:
    if is_list(kind):
        return _is_readable(kind.value_type)
    if pa.types.is_struct(kind):
        return all(_is_readable(member.type) for member in kind.fields)
    if pa.types.is_map(kind):
        return _is_readable(kind.key_type) and _is_readable(kind.item_type)
    if pa.types.is_decimal(kind):
        return bool(kind.precision <= _MOST_DIGITS)
    is_unknown = (pa.types.is_time, pa.types.is_duration, pa.types.is_float16)
    return str(kind) != "extension<arrow.uuid>" and not any(is_(kind) for is_ in is_unknown)

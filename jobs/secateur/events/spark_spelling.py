"""`secateur.encoding`'s rules for raw values in Spark's expressions, as logs are read.

A column of any type becomes text by its values (`as_text`), text its canonical spelling
(`canonical`). `tests/events/test_spelling.py` holds both to the rules on a real Spark.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import cast

from pyspark.sql import Column
from pyspark.sql import functions as F  # noqa: N812
from pyspark.sql.types import (
    ArrayType,
    BinaryType,
    BooleanType,
    DataType,
    DecimalType,
    DoubleType,
    FloatType,
    MapType,
    StructType,
)

from secateur.encoding import spelling
from secateur.spark import column_named

_LEAST_NORMAL, _LEAST_NORMAL_FLOAT32 = 2.0**-1022, 2.0**-126
_PLAIN = 1e-3  # smaller ones are printed with an exponent
_MOST_DIGITS = 17  # that any double needs


def canonical_spelling(value: Column) -> Column:
    """The spelling of `encoding.spelling.canonical_text`; empty and blank become null."""
    text = F.trim(value)
    # Patterns cost much more than to see that they cannot match, as of words and hashes.
    has_mark = value.contains(".") | value.contains("-") | value.contains("+")
    may_be_number = has_mark & (text < ":")  # begins with a digit, or what sorts before them
    has_exponent = text.contains("e") | text.contains("E")
    digits = F.regexp_replace(text, _all_of(spelling.WHOLE_NUMBER), "$1")
    number = (
        F.when(has_exponent, _with(text, _of_printed))
        .when(text.endswith("0") & text.contains("."), _with(digits, _unsigned_zero))
        .otherwise(_unsigned_zero(text))
    )
    boolean = F.when(text.isin(*spelling.TRUE), "1").otherwise("0")
    is_boolean = text.isin(*spelling.TRUE, *spelling.FALSE)
    spelled = F.when(may_be_number, number).when(is_boolean, boolean).otherwise(text)
    return F.when(~spelled.isin("", spelling.NOTHING), spelled)


def canonical_column(name: str, missing: Mapping[str, Sequence[str]]) -> Column:
    """A column spelled canonically; the values that mean "missing" become null."""
    value = canonical_spelling(column_named(name))
    absent = [form for one in canonical_values(missing.get(name, ())) for form in _forms(one)]
    spelled = F.when(~value.isin(*absent), value) if absent else value
    return spelled.alias(name)


def _forms(value: str) -> tuple[str, ...]:
    """A value as it stands, and as the only one of an array, as of text or as of a number."""
    return value, spelling.print_array([value]), f"[{value}]"


def canonical_values(values: Iterable[object]) -> list[str]:
    """The spellings of values that a scenario names, to compare a canonical column with."""
    spelled = map(spelling.canonical, values)
    return [value for value in spelled if value is not None]


def as_text(column: Column, kind: DataType) -> Column:
    """A column of `kind` as text, by its values: see `encoding.spelling`. Null stays null."""
    match kind:
        case DoubleType():
            return _of_double(column)
        case FloatType():
            return _of_double(_of_float32(column))
        case DecimalType():
            whole = F.floor(column)
            rest = _of_double(column.cast("double"))
            # Of 38 digits a comparison of decimals would leave out the last ones.
            return F.when((column % 1).cast("double") == 0, whole.cast("string")).otherwise(rest)
        case BooleanType():
            return column.cast("int").cast("string")
        case BinaryType():
            return F.make_valid_utf8(column.cast("string"))
    nested = isinstance(kind, ArrayType | MapType | StructType)
    return F.to_json(_of_spelled(column, kind)) if nested else column.cast("string")


def array_or(text: Column, cut: Column) -> Column:
    """The values (array<string>) of the array that a text is, else `cut`; of null an empty text."""
    is_array = text.startswith("[") & text.endswith("]")
    values = F.transform(F.from_json(text, "array<string>"), lambda one: F.coalesce(one, F.lit("")))
    return F.coalesce(F.when(is_array, values), cut)


def json_text(text: Column) -> Column:
    """The text of a JSON value; NaN and infinity, which JSON lacks, Spark reads within quotes."""
    is_infinite = text.isin('"Infinity"', '"-Infinity"')
    number = F.when(is_infinite, F.btrim(text, F.lit('"'))).otherwise(text)
    return F.nullif(number, F.lit('"NaN"'))


def _of_spelled(column: Column, kind: DataType) -> Column:
    """Arrays, maps and structs of spelled values."""
    match kind:
        case ArrayType(elementType=inside):
            return F.transform(column, lambda one: _spelling_of(one, inside))
        case MapType(valueType=inside):
            return F.transform_values(column, lambda _, one: _spelling_of(one, inside))
        case _:
            fields = cast("StructType", kind).fields
            members = (_spelling_of(column[f.name], f.dataType).alias(f.name) for f in fields)
            return F.when(column.isNotNull(), F.struct(*members))


def _spelling_of(column: Column, kind: DataType) -> Column:
    return canonical_spelling(as_text(column, kind))


def _all_of(pattern: str) -> str:
    # Not $: it also matches before a last line break.
    return rf"^(?:{pattern})\z"


def _unsigned_zero(digits: Column) -> Column:
    return F.when(digits == "-0", "0").otherwise(digits)


def _of_printed(text: Column) -> Column:
    """A double's printed form by its value; any other text as it stands."""
    number = F.when(text.rlike(_all_of(spelling.FLOAT_IN_PRINT)), text.cast("double"))
    is_one = (number != 0) & (F.abs(number) < float("inf"))
    return F.when(is_one, _of_double(number)).otherwise(text)


def _of_float32(column: Column) -> Column:
    """The double that a float32 stands for."""
    exact = column.cast("double")
    odd = (F.abs(exact) < _LEAST_NORMAL_FLOAT32) | _is_small_power(exact)
    shortest = _with(column, lambda number: _shortest(number, "float"))
    printed = F.when(odd, shortest).otherwise(column.cast("string"))
    return F.when(F.rint(exact) == exact, exact).otherwise(printed.cast("double"))


def _of_double(number: Column) -> Column:
    size = F.abs(number)
    whole = (F.rint(number) == number) & (size < spelling.BEYOND_INT64)
    # Java before 19 prints more digits than needed, but only of these.
    is_huge = (size >= spelling.BEYOND_INT64) & (size < float("inf"))
    odd = is_huge | (size < _LEAST_NORMAL) | _is_small_power(number)
    shortest = _with(number, lambda number: _shortest(number, "double"))
    printed = F.when(odd, shortest).otherwise(number.cast("string"))
    spelled = F.when(whole, number.cast("bigint").cast("string"))
    return F.when(~F.isnan(number), spelled.otherwise(_with(printed, _positional)))


def _is_small_power(number: Column) -> Column:
    """Whether it is a small power of two: the next number below lies closer than the next above."""
    size = F.abs(number)
    return (size < _PLAIN) & (F.pow(F.lit(2.0), F.rint(F.log2(size))) == size)


def _with(value: Column, body: Callable[[Column], Column]) -> Column:
    """`body(value)`, with the value worked out once, however often the body names it."""
    return F.transform(F.array(value), body)[0]


def _shortest(number: Column, kind: str) -> Column:
    """The printed form of a number of this kind, without a digit too many."""
    java = number.cast("string")
    forms = (F.format_string(f"%.{digits}e", number) for digits in range(_MOST_DIGITS))
    fewest = F.upper(F.coalesce(*(F.when(form.cast(kind) == number, form) for form in forms)))
    is_shorter = F.length(_digits(fewest)) < F.length(_digits(java))
    return F.when(is_shorter, fewest).otherwise(java)


def _digits(printed: Column) -> Column:
    """The digits of a printed form without its point, sign, exponent and last zeros."""
    return F.regexp_replace(F.substring_index(printed, "E", 1), r"[-.]|\.?0+\z", "")


def _positional(printed: Column) -> Column:
    """A printed form, such as -1.25E-7, without its exponent."""
    exponent = F.substring_index(printed, "E", -1).cast("int")
    sign = F.when(printed.startswith("-"), "-").otherwise("")
    parts = F.struct(_digits(printed).alias("digits"), exponent.alias("exponent"))
    plain = F.concat(sign, _with(parts, _place_point))
    return F.when(printed.contains("E"), plain).otherwise(printed)


def _place_point(parts: Column) -> Column:
    """Digits with the point, or the zeros, that an exponent of ten means."""
    digits, exponent = parts["digits"], parts["exponent"]
    count, zero = F.length(digits), F.lit("0")
    whole, rest = F.left(digits, exponent + 1), F.substring(digits, exponent + 2, count)
    return (
        F.when(exponent < 0, F.concat(F.lit("0."), F.repeat(zero, -exponent - 1), digits))
        .when(exponent + 1 < count, F.concat(whole, F.lit("."), rest))
        .otherwise(F.concat(digits, F.repeat(zero, exponent + 1 - count)))
    )

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
from secateur.spark import quoted_name

_LEAST_NORMAL, _LEAST_NORMAL_FLOAT32 = 2.0**-1022, 2.0**-126
_INFINITY = "double('infinity')"
_PLAIN = 1e-3  # smaller ones are printed with an exponent
_MOST_DIGITS = 17  # that any double needs

Sql = Callable[[str], str]  # of the text of an operand


def canonical_spelling(value: Column) -> Column:
    """The spelling of `encoding.spelling.canonical_text`; empty and blank become null."""
    return _with(value, _canonical)


def canonical_of(name: str) -> Column:
    """The same of the text column of this name."""
    return F.expr(_canonical(quoted_name(name)))


def canonical_column(name: str, missing: Mapping[str, Sequence[str]]) -> Column:
    """A column spelled canonically; the values that mean "missing" become null."""
    value = canonical_of(name)
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


def _of_double(number: Column) -> Column:
    return _with(number, _double)


def _of_float32(column: Column) -> Column:
    """The double that a float32 stands for."""
    return _with(column, _double_of_float32)


def _with(value: Column, body: Sql) -> Column:
    """`body` of the value, which is worked out once, however often the body names it."""
    return F.call_function("transform", F.array(value), F.expr(f"one -> {body('one')}"))[0]


# What follows is SQL, as text: put together call by call, expressions of this size take longer on
# their way to Java than a day's rows take in it.


def _canonical(value: str) -> str:
    text = f"trim({value})"
    # Patterns cost much more than to see that they cannot match, as of words and hashes.
    has_mark = " OR ".join(f"contains({value}, '{mark}')" for mark in ".-+")
    may_be_number = f"({has_mark}) AND {text} < ':'"  # begins with a digit, or what sorts before
    has_exponent = f"contains({text}, 'e') OR contains({text}, 'E')"
    may_be_whole = f"endswith({text}, '0') AND contains({text}, '.')"
    digits = f"regexp_replace({text}, {_all_of(spelling.WHOLE_NUMBER)}, '$1')"
    number = _case(
        (has_exponent, _let("printed", text, _of_printed)),
        (may_be_whole, _let("digits", digits, _unsigned_zero)),
        otherwise=_unsigned_zero(text),
    )
    return _case(
        (may_be_number, number),
        (_is_in(text, *spelling.TRUE), "'1'"),
        (_is_in(text, *spelling.FALSE), "'0'"),
        (_is_in(text, "", spelling.NOTHING), "NULL"),
        otherwise=text,
    )


def _unsigned_zero(digits: str) -> str:
    return _case((f"{digits} = '-0'", "'0'"), otherwise=digits)


def _of_printed(text: str) -> str:
    """A double's printed form by its value; any other text as it stands."""
    is_printed = f"rlike({text}, {_all_of(spelling.FLOAT_IN_PRINT)})"
    number = _case((is_printed, f"CAST({text} AS double)"))
    is_one = f"number != 0 AND abs(number) < {_INFINITY}"
    return _let("number", number, lambda it: _case((is_one, _double(it)), otherwise=text))


def _double_of_float32(number: str) -> str:
    exact = f"CAST({number} AS double)"
    odd = f"abs({exact}) < {_LEAST_NORMAL_FLOAT32!r}D OR {_is_small_power(exact)}"
    printed = _case((odd, _shortest(number, "float")), otherwise=f"CAST({number} AS string)")
    return _case((f"rint({exact}) = {exact}", exact), otherwise=f"CAST({printed} AS double)")


def _double(number: str) -> str:
    size = f"abs({number})"
    whole = f"rint({number}) = {number} AND {size} < {spelling.BEYOND_INT64!r}D"
    # Java before 19 prints more digits than needed, but only of these.
    is_huge = f"{size} >= {spelling.BEYOND_INT64!r}D AND {size} < {_INFINITY}"
    odd = f"{is_huge} OR {size} < {_LEAST_NORMAL!r}D OR {_is_small_power(number)}"
    printed = _case((odd, _shortest(number, "double")), otherwise=f"CAST({number} AS string)")
    return _case(
        (f"isnan({number})", "NULL"),
        (whole, f"CAST(CAST({number} AS bigint) AS string)"),
        otherwise=_let("form", printed, _positional),
    )


def _is_small_power(number: str) -> str:
    """Whether it is a small power of two: the next number below lies closer than the next above."""
    size = f"abs({number})"
    return f"({size} < {_PLAIN!r}D AND pow(2.0D, rint(log2({size}))) = {size})"


def _shortest(number: str, kind: str) -> str:
    """The printed form of a number of this kind, without a digit too many."""
    forms = f"transform(sequence(0, {_MOST_DIGITS - 1}), d -> {_printed_with('d', number)})"
    exact = f"filter({forms}, form -> try_cast(form AS {kind}) = {number})"
    java = f"CAST({number} AS string)"
    is_shorter = f"length({_digits('fewest')}) < length({_digits(java)})"
    fewest = f"upper(try_element_at({exact}, 1))"
    return _let("fewest", fewest, lambda it: _case((is_shorter, it), otherwise=java))


def _printed_with(decimals: str, number: str) -> str:
    return f"format_string(concat('%.', CAST({decimals} AS string), 'e'), {number})"


def _digits(printed: str) -> str:
    """The digits of a printed form without its point, sign, exponent and last zeros."""
    return rf"regexp_replace(substring_index({printed}, 'E', 1), r'[-.]|\.?0+\z', '')"


def _positional(printed: str) -> str:
    """A printed form, such as -1.25E-7, without its exponent."""
    exponent = f"CAST(substring_index({printed}, 'E', -1) AS int)"
    sign = _case((f"startswith({printed}, '-')", "'-'"), otherwise="''")
    parts = f"named_struct('digits', {_digits(printed)}, 'exponent', {exponent})"
    plain = f"concat({sign}, {_let('parts', parts, _place_point)})"
    return _case((f"contains({printed}, 'E')", plain), otherwise=printed)


def _place_point(parts: str) -> str:
    """Digits with the point, or the zeros, that an exponent of ten means."""
    digits, exponent = f"{parts}.digits", f"{parts}.exponent"
    count = f"length({digits})"
    whole, rest = f"left({digits}, {exponent} + 1)", f"substring({digits}, {exponent} + 2)"
    return _case(
        (f"{exponent} < 0", f"concat('0.', repeat('0', -{exponent} - 1), {digits})"),
        (f"{exponent} + 1 < {count}", f"concat({whole}, '.', {rest})"),
        otherwise=f"concat({digits}, repeat('0', {exponent} + 1 - {count}))",
    )


def _case(*branches: tuple[str, str], otherwise: str = "NULL") -> str:
    whens = " ".join(f"WHEN {holds} THEN {value}" for holds, value in branches)
    return f"CASE {whens} ELSE {otherwise} END"


def _let(name: str, value: str, body: Sql) -> str:
    """`body` of a value that is worked out once, and goes by a name of its own."""
    return f"transform(array({value}), {name} -> {body(name)})[0]"


def _is_in(text: str, *values: str) -> str:
    return f"{text} IN ({', '.join(map(repr, values))})"


def _all_of(pattern: str) -> str:
    # Not $: it also matches before a last line break.
    return rf"r'^(?:{pattern})\z'"

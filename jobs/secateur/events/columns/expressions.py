"""Columns of events that the scenario makes of others, by SQL."""

from collections.abc import Iterator
from contextlib import contextmanager

from pyspark.errors import (
    AnalysisException,
    ArithmeticException,
    ArrayIndexOutOfBoundsException,
    DateTimeException,
    NumberFormatException,
    ParseException,
    PySparkException,
    SparkRuntimeException,
)
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812

from secateur.contracts.errors import ScenarioError
from secateur.events.spark_spelling import as_text, canonical_spelling
from secateur.scenario import Logs

_WRONG_VALUES = (
    ArithmeticException,
    ArrayIndexOutOfBoundsException,
    DateTimeException,
    NumberFormatException,
    SparkRuntimeException,
)


def with_expressions(events: DataFrame, logs: Logs) -> DataFrame:
    """Add the log's `expressions`, as canonical text: each of the events' columns, none of another.

    Raises ScenarioError where one is no SQL over them, or looks at other rows than its own.
    """
    made = {name: _column(events, name, sql) for name, sql in logs.expressions.items()}
    return events.withColumns(made) if made else events


def _column(events: DataFrame, name: str, sql: str) -> Column:
    try:
        events.where(f"({sql}) IS NULL")  # where, no sum and no window over rows may stand
        kind = events.select(F.expr(sql)).schema[0].dataType
    except (AnalysisException, ParseException) as error:
        raise ScenarioError(f"logs.expressions {name}: {sql!r}: {_first_line(error)}") from error
    return canonical_spelling(as_text(F.expr(sql), kind))


def _first_line(error: PySparkException) -> str:
    return str(error).strip().splitlines()[0]


@contextmanager
def wrong_values_told(logs: Logs) -> Iterator[None]:
    """Raise ScenarioError for a value that an expression cannot be worked out of.

    Such as a text that is cast to a number and is none: `try_cast` gives nothing instead.
    """
    try:
        yield
    except _WRONG_VALUES as error:
        if not logs.expressions:
            raise
        first = _first_line(error)
        names = ", ".join(logs.expressions)
        message = (
            f"logs.expressions ({names}): {first}; try_cast gives nothing where a value is none"
        )
        raise ScenarioError(message) from error

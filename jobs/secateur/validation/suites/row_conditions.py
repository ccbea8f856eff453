"""Conditions of a row as columns of 0 and 1, so that nothing passes by being missing.

The library skips nulls: a predicate that is null, which in SQL is neither true nor false, would
pass unseen. Here it is 0.
"""

from collections.abc import Iterable

import great_expectations.expectations as gxe
from great_expectations.expectations.expectation import Expectation as Expected
from pyspark.errors import AnalysisException, ParseException
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812

from secateur.contracts.errors import ScenarioError
from secateur.scenario import Rule
from secateur.validation.suite_runner import Suite


def plain_name(name: str) -> str:
    """A column's name in what the library reads, which takes a dot for the access to a struct."""
    return name.replace(".", ":")


def flag(condition: Column, name: str) -> Column:
    """1 where the condition is true, 0 where it is false or null."""
    return F.coalesce(condition, F.lit(False)).cast("int").alias(plain_name(name))


def holds(name: str, words: str, mostly: float = 1.0) -> Expected:
    """Expect the flag `name` to be 1 in at least the share `mostly` of the rows."""
    return gxe.ExpectColumnValuesToBeInSet(
        column=plain_name(name), value_set=[1], mostly=mostly, description=words
    )


def columns_suite(title: str, frame: DataFrame, names: Iterable[str]) -> Suite:
    """A suite that looks for each column, whatever its name holds."""
    exist = (gxe.ExpectColumnToExist(column=plain_name(name)) for name in names)
    return Suite(title, frame.toDF(*map(plain_name, frame.columns)), tuple(exist))


def rule_suite(events: DataFrame, rule: Rule) -> Suite:
    """A suite of one rule of the scenario: alone, so that its failure is no other rule's.

    A predicate that Spark cannot analyse, such as one over a column that is gone, becomes one that
    raises why. Raises ScenarioError where it is no SQL at all.
    """
    words = f"{rule.holds} (mostly={rule.mostly:g})"
    expected = (holds(rule.name, words, rule.mostly),)
    return Suite(f"rule {rule.name}", _rule_flags(events, rule), expected)


def _rule_flags(events: DataFrame, rule: Rule) -> DataFrame:
    try:
        return events.select(flag(F.expr(rule.holds), rule.name))
    except ParseException as error:
        raise ScenarioError(
            f"validation.rules {rule.name}: {rule.holds!r} is no SQL: {error}"
        ) from error
    except AnalysisException as error:
        why = F.raise_error(F.lit(f"{rule.holds}: {error.getMessage()}")).cast("boolean")
        return events.select(flag(why, rule.name))

"""The inputs of a model, row by row, held against their fields of the schema."""

from collections.abc import Iterator, Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812

from secateur.contracts.features import (
    BucketField,
    CategoryField,
    FeatureSchema,
    ListField,
)
from secateur.spark import column_named, is_finite
from secateur.validation.suite_runner import Suite
from secateur.validation.suites.row_conditions import flag, holds

IdField = CategoryField | BucketField | ListField


def input_columns(schema: FeatureSchema) -> tuple[str, ...]:
    """The columns of all inputs."""
    return tuple(field.name for field in schema.inputs)


def vocabularies(schema: FeatureSchema) -> dict[str, IdField]:
    """The fields whose values may be unknown, by name."""
    return {field.name: field for field in (*schema.fields, *schema.lists)}


def unknown_share(field: IdField) -> Column:
    """The share of ids that stand for unknown values, of a list among the ids it holds."""
    ids = column_named(field.name)
    if not isinstance(field, ListField):
        return F.avg((ids == field.oov).cast("int")).alias(field.name)
    unknown = F.size(F.filter(ids, lambda one: one == field.oov))
    share = F.sum(unknown) / F.nullif(F.sum(F.size(ids)), F.lit(0))
    return F.coalesce(share, F.lit(0.0)).alias(field.name)


def input_suites(rows: DataFrame, held_out: DataFrame, schema: FeatureSchema) -> list[Suite]:
    """The suites of numbers, lists and vectors, and of the slices of the held-out rows."""
    shapes = {name: (words, condition) for name, words, condition in _shapes(schema)}
    found = [_suite("numbers, lists and vectors", rows, shapes)] if shapes else []
    slices = {
        column: (f"0 or 1: {name}", F.col(column).isin(0, 1))
        for column, name in zip(schema.slice_columns, schema.slices, strict=True)
    }
    return [*found, _suite("slices", held_out, slices)] if slices else found


def _suite(title: str, rows: DataFrame, conditions: Mapping[str, tuple[str, Column]]) -> Suite:
    flags = (flag(condition, name) for name, (_, condition) in conditions.items())
    expected = (holds(name, words) for name, (words, _) in conditions.items())
    return Suite(title, rows.select(*flags), tuple(expected))


def _shapes(schema: FeatureSchema) -> Iterator[tuple[str, str, Column]]:
    """Name, meaning and condition of every input that is more than one id."""
    for number in schema.numbers:
        value = column_named(number.name)
        if number.scale == "quantile":
            yield number.name, "in [0, 1]", value.between(0, 1)
        else:
            yield number.name, "finite", is_finite(value)
    for many in schema.lists:
        yield _list(many)
    for vector in schema.vectors:
        numbers = column_named(vector.name)
        whole = (F.size(numbers) == vector.length) & F.forall(numbers, is_finite)
        yield vector.name, f"{vector.length} finite numbers", whole


def _list(field: ListField) -> tuple[str, str, Column]:
    ids = column_named(field.name)
    inside = F.forall(ids, lambda one: F.coalesce(one.between(0, field.size - 1), F.lit(False)))
    words = f"at most {field.length} ids in 0..{field.size - 1}"
    return field.name, words, (F.size(ids) <= field.length) & inside

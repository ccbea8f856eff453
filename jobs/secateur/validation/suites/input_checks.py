"""The inputs of a model, row by row, held against their fields of the schema."""

from collections.abc import Iterator, Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812

from secateur.contracts.features import (
    BucketField,
    CategoryField,
    FeatureSchema,
    ListField,
    NumberField,
    VectorField,
)
from secateur.spark import named
from secateur.validation.running import Check
from secateur.validation.suites.row_conditions import flag, holds

Ids = CategoryField | BucketField | ListField


def names(schema: FeatureSchema) -> tuple[str, ...]:
    """The columns of all inputs."""
    return tuple(field.name for field in schema.inputs)


def vocabularies(schema: FeatureSchema) -> dict[str, Ids]:
    """The fields whose values may be unknown, by name."""
    return {field.name: field for field in (*schema.fields, *schema.lists)}


def unknown_share(field: Ids) -> Column:
    """The share of ids that stand for unknown values, of a list among the ids it holds."""
    ids = named(field.name)
    if not isinstance(field, ListField):
        return F.avg((ids == field.oov).cast("int")).alias(field.name)
    unknown = F.size(F.filter(ids, lambda one: one == field.oov))
    share = F.sum(unknown) / F.nullif(F.sum(F.size(ids)), F.lit(0))
    return F.coalesce(share, F.lit(0.0)).alias(field.name)


def checks(rows: DataFrame, held_out: DataFrame, schema: FeatureSchema) -> list[Check]:
    """The suites of numbers, lists and vectors, and of the slices of the held-out rows."""
    shapes = {name: (words, condition) for name, words, condition in _shapes(schema)}
    found = [_check("numbers, lists and vectors", rows, shapes)] if shapes else []
    slices = {
        column: (f"0 or 1: {name}", F.col(column).isin(0, 1))
        for column, name in zip(schema.slice_columns, schema.slices, strict=True)
    }
    return [*found, _check("slices", held_out, slices)] if slices else found


def _check(title: str, rows: DataFrame, conditions: Mapping[str, tuple[str, Column]]) -> Check:
    flags = (flag(condition, name) for name, (_, condition) in conditions.items())
    expected = (holds(name, words) for name, (words, _) in conditions.items())
    return Check(title, rows.select(*flags), tuple(expected))


def _shapes(schema: FeatureSchema) -> Iterator[tuple[str, str, Column]]:
    """Name, meaning and condition of every input that is more than one id."""
    for number in schema.numbers:
        yield _number(number)
    for many in schema.lists:
        yield _list(many)
    for vector in schema.vectors:
        yield _vector(vector)


def _number(field: NumberField) -> tuple[str, str, Column]:
    number = named(field.name)
    if field.scale == "quantile":
        return field.name, "in [0, 1]", number.between(0, 1)
    return field.name, "finite", _finite(number)


def _list(field: ListField) -> tuple[str, str, Column]:
    ids = named(field.name)
    inside = F.forall(ids, lambda one: F.coalesce(one.between(0, field.size - 1), F.lit(False)))
    words = f"at most {field.length} ids in 0..{field.size - 1}"
    return field.name, words, (F.size(ids) <= field.length) & inside


def _vector(field: VectorField) -> tuple[str, str, Column]:
    numbers = named(field.name)
    whole = (F.size(numbers) == field.length) & F.forall(numbers, _finite)
    return field.name, f"{field.length} finite numbers", whole


def _finite(number: Column) -> Column:
    """True for a finite number: not for null, NaN (greater than all else) or infinity."""
    return F.coalesce(F.abs(number) < F.lit(float("inf")), F.lit(False))

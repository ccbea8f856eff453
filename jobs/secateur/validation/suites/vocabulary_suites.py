"""A FeatureSet's vocabularies held against its schema."""

import great_expectations.expectations as gxe
import pyarrow as pa

from secateur.contracts.features import FeatureSchema
from secateur.validation.suite_runner import Suite


def vocabulary_suites(schema: FeatureSchema, vocabulary: pa.Table) -> list[Suite]:
    """The suites of the vocabularies: each has its own ids, and who shares one agrees with it.

    `vocabulary` [n] has a row a value, with its `field` (string) and `id` (int32).
    """
    ids = [_ids_suite(schema, vocabulary), _sizes_suite(schema)]
    suites = ids if schema.vocabularies else []
    return [*suites, _shared_suite(schema)] if any(f.shares for f in schema.lists) else suites


def _ids_suite(schema: FeatureSchema, vocabulary: pa.Table) -> Suite:
    """Each vocabulary has the ids 0..size-2 once, as size-1 is OOV. No other field has one.

    `vocabulary` [n] is that of `vocabulary_suites`.
    """
    measures = [("id", "count"), ("id", "count_distinct"), ("id", "max")]
    found = vocabulary.group_by("field").aggregate(measures).to_pylist()
    ids = {row["field"]: row for row in found}
    owners = {field.name: field.size for field in schema.vocabularies}
    names = list(dict.fromkeys((*owners, *sorted(ids))))
    sizes = {
        "field": names,
        "promised": [owners.get(name, 1) - 1 for name in names],
        "ids": [ids[name]["id_count"] if name in ids else 0 for name in names],
        "distinct": [ids[name]["id_count_distinct"] if name in ids else 0 for name in names],
        "next_id": [ids[name]["id_max"] + 1 if name in ids else 0 for name in names],
    }
    equal = (
        gxe.ExpectColumnPairValuesToBeEqual(column_A=column, column_B="promised")
        for column in ("ids", "distinct", "next_id")
    )
    return Suite("vocabulary", pa.table(sizes).to_pandas(), tuple(equal), key="field")


def _sizes_suite(schema: FeatureSchema) -> Suite:
    """Each vocabulary has a value: without one the field says the same of every row."""
    owners = schema.vocabularies
    sizes = {"field": [one.name for one in owners], "values": [one.size - 1 for one in owners]}
    some = gxe.ExpectColumnValuesToBeBetween(
        column="values",
        min_value=1,
        description="a value that min_count train rows have: is a column empty, or a join?",
    )
    return Suite("sizes of vocabularies", pa.table(sizes).to_pandas(), (some,), key="field")


def _shared_suite(schema: FeatureSchema) -> Suite:
    """A list that reads a category's vocabulary has that one's size."""
    sizes = {field.name: field.size for field in schema.categories}
    lists = [field for field in schema.lists if field.shares]
    frame = {
        "field": [field.name for field in lists],
        "size": [field.size for field in lists],
        "shared_size": [sizes.get(field.shares or "", 0) for field in lists],
    }
    equal = gxe.ExpectColumnPairValuesToBeEqual(column_A="size", column_B="shared_size")
    return Suite("shared vocabularies", pa.table(frame).to_pandas(), (equal,), key="field")

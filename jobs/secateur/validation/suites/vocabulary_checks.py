"""A FeatureSet's vocabularies held against its schema."""

import great_expectations.expectations as gxe
import pyarrow as pa

from secateur.contracts.features import FeatureSchema
from secateur.validation.running import Check


def vocabulary_checks(schema: FeatureSchema, vocabulary: pa.Table) -> list[Check]:
    """The suites of the vocabularies: each has its own ids, and who shares one agrees with it."""
    found = [_own_check(schema, vocabulary)] if _owners(schema) else []
    return [*found, _shared_check(schema)] if any(f.shares for f in schema.lists) else found


def _owners(schema: FeatureSchema) -> dict[str, int]:
    """The size of every vocabulary by the field that owns it, OOV included."""
    return {field.name: field.size for field in schema.vocabularies}


def _own_check(schema: FeatureSchema, vocabulary: pa.Table) -> Check:
    """Each vocabulary has the ids 0..size-2, each once: size-1 is OOV. No other field has one."""
    measures = [("id", "count"), ("id", "count_distinct"), ("id", "max")]
    found = vocabulary.group_by("field").aggregate(measures).to_pylist()
    ids = {row["field"]: row for row in found}
    owners = _owners(schema)
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
    return Check("vocabulary", pa.table(sizes).to_pandas(), tuple(equal), key="field")


def _shared_check(schema: FeatureSchema) -> Check:
    """A list that reads a category's vocabulary has that one's size."""
    sizes = {field.name: field.size for field in schema.categories}
    lists = [field for field in schema.lists if field.shares]
    frame = {
        "field": [field.name for field in lists],
        "size": [field.size for field in lists],
        "shared_size": [sizes.get(field.shares or "", 0) for field in lists],
    }
    equal = gxe.ExpectColumnPairValuesToBeEqual(column_A="size", column_B="shared_size")
    return Check("shared vocabularies", pa.table(frame).to_pandas(), (equal,), key="field")

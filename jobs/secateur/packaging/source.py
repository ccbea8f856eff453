"""What a package takes from the FeatureSet: schema, vocabulary, golden rows, the data's facts."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from secateur.artifacts import Artifact
from secateur.contracts.errors import ArtifactError
from secateur.contracts.features import VALUE_PREFIX, FeatureSchema
from secateur.contracts.models import ModelSpec

GOLDEN_ROWS = 64

_T = TypeVar("_T")


@dataclass(frozen=True)
class Source:
    """`vocabulary[field]` lists values by id; `golden[field]` raw values; `facts` the data's.

    `counts[field]` tells how often the train rows hold each value.
    """

    schema: FeatureSchema
    vocabulary: dict[str, list[str]]
    golden: dict[str, list[Any]]
    facts: dict[str, Any]
    counts: dict[str, list[int]] = field(default_factory=dict)

    def keeping(self, ids: Mapping[str, Sequence[int]]) -> "Source":
        """The source for a model that reads these vocabularies, of each the values of these ids."""
        return replace(
            self, vocabulary=_chosen(self.vocabulary, ids), counts=_chosen(self.counts, ids)
        )


def _chosen(columns: dict[str, list[_T]], ids: Mapping[str, Sequence[int]]) -> dict[str, list[_T]]:
    return {n: [column[i] for i in ids[n]] for n, column in columns.items() if n in ids}


def read_source(features: Artifact) -> Source:
    """Read what packaging needs of a FeatureSet."""
    schema = features.read("schema.json", FeatureSchema)
    vocabulary, counts = _vocabulary(features, schema)
    return Source(schema, vocabulary, _golden(features, schema), features.manifest.facts, counts)


def cut_schema(schema: FeatureSchema, spec: ModelSpec) -> FeatureSchema:
    """The schema of a model that reads some of its inputs, from blocks of fewer rows.

    A caller may go on giving the inputs that are not read any more.
    """
    kept = set(spec.inputs)
    read = replace(
        schema,
        categories=tuple(f for f in schema.categories if f.name in kept),
        buckets=tuple(f for f in schema.buckets if f.name in kept),
        numbers=tuple(f for f in schema.numbers if f.name in kept),
        lists=tuple(f for f in schema.lists if f.name in kept),
        vectors=tuple(f for f in schema.vectors if f.name in kept),
        unread=(*schema.unread, *(f.name for f in schema.inputs if f.name not in kept)),
    )
    blocks = (*read.fields, *read.own_lists)
    sizes = {field.name: size for field, size in zip(blocks, spec.rows, strict=True)}
    return replace(
        read,
        categories=tuple(replace(f, size=sizes[f.name]) for f in read.categories),
        lists=tuple(replace(f, size=sizes[f.shares or f.name]) for f in read.lists),
    )


def _vocabulary(
    features: Artifact, schema: FeatureSchema
) -> tuple[dict[str, list[str]], dict[str, list[int]]]:
    """Every field's values by id, and how often training saw each."""
    table = pq.read_table(
        features.file("vocabulary.parquet"), columns=["field", "id", "value", "count"]
    ).sort_by([("field", "ascending"), ("id", "ascending")])
    parts = {f.name: table.filter(pc.equal(table["field"], f.name)) for f in schema.vocabularies}
    for one in schema.vocabularies:
        if len(parts[one.name]) != one.oov:
            raise ArtifactError(
                f"{features.uri}: {len(parts[one.name])} values of {one.name}, "
                f"its schema says {one.oov}"
            )
    values = {name: part["value"].to_pylist() for name, part in parts.items()}
    return values, {name: part["count"].to_pylist() for name, part in parts.items()}


def _golden(features: Artifact, schema: FeatureSchema) -> dict[str, list[Any]]:
    """Raw values of rows spread evenly over the tune days; NaN becomes None."""
    names = [VALUE_PREFIX + field.name for field in schema.inputs]
    files = sorted(e.path for e in features.manifest.files if e.path.startswith("tune/"))
    tune = pa.concat_tables(pq.read_table(features.file(f), columns=names) for f in files)
    rows: NDArray[np.int64] = np.linspace(0, len(tune) - 1, min(GOLDEN_ROWS, len(tune))).astype(int)
    columns = tune.take(rows).to_pydict()
    return {
        field.name: [_json_value(v) for v in columns[VALUE_PREFIX + field.name]]
        for field in schema.inputs
    }


def _json_value(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, list):
        return [_json_value(one) for one in value]
    return None if isinstance(value, float) and math.isnan(value) else value

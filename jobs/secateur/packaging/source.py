"""What a package takes from the FeatureSet: schema, vocabulary, held-out rows, the data's facts."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import torch
from numpy.typing import NDArray

from secateur.artifacts import Artifact
from secateur.contracts import artifact_files
from secateur.contracts.errors import ArtifactError
from secateur.contracts.features import VALUE_PREFIX, FeatureSchema
from secateur.contracts.models import ModelSpec, PrivateSteps
from secateur.model.data.batches import part_files, to_inputs
from secateur.model.data.inputs import Inputs

HELD_OUT_ROWS = 1024

_T = TypeVar("_T")


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Rows that no model was trained on, as a service spells them and as features encoded them.

    `columns[input]` are raw values [rows], user ids as keyed hashes, None where one is missing;
    `inputs` are the same rows as a model reads them.
    """

    columns: Mapping[str, Sequence[Any]]
    inputs: Inputs

    def __len__(self) -> int:
        return len(self.inputs)

    def take(self, places: NDArray[np.int64]) -> "HeldOut":
        """The rows at these places [n]."""
        columns = {name: [column[i] for i in places] for name, column in self.columns.items()}
        return HeldOut(columns, self.inputs.take(torch.from_numpy(places)))


@dataclass(frozen=True)
class Source:
    """`vocabulary[field]` lists values by id, `facts` are the data's.

    `counts[field]` tells how often the train rows hold each value, `privacy` the private steps of
    all trainings.
    """

    schema: FeatureSchema
    vocabulary: dict[str, list[str]]
    held_out: HeldOut
    facts: dict[str, Any]
    counts: dict[str, list[int]] = field(default_factory=dict)
    privacy: tuple[PrivateSteps, ...] = ()

    def cut(self, ids: Mapping[str, Sequence[int]], inputs: Inputs) -> "Source":
        """The source for a smaller model, which reads the held-out rows as `inputs` [rows].

        `ids` [n] say by name of each vocabulary that it reads which values are left.
        """
        return replace(
            self,
            vocabulary=_take_values(self.vocabulary, ids),
            held_out=replace(self.held_out, inputs=inputs),
            counts=_take_values(self.counts, ids),
        )


def _take_values(
    columns: dict[str, list[_T]], ids: Mapping[str, Sequence[int]]
) -> dict[str, list[_T]]:
    return {n: [column[i] for i in ids[n]] for n, column in columns.items() if n in ids}


def package_source(features: Artifact, privacy: tuple[PrivateSteps, ...] = ()) -> Source:
    """Read what packaging needs of a FeatureSet; `privacy` are its model's private steps."""
    schema = features.read(artifact_files.SCHEMA, FeatureSchema)
    vocabulary, counts = _vocabulary(features, schema)
    held_out = read_held_out(features, schema)
    return Source(schema, vocabulary, held_out, features.manifest.facts, counts, privacy)


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
        features.file(artifact_files.VOCABULARY), columns=["field", "id", "value", "count"]
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


def read_held_out(features: Artifact, schema: FeatureSchema, rows: int = HELD_OUT_ROWS) -> HeldOut:
    """Read `rows` rows, spread evenly over the tune days. Raises ArtifactError if there is none.

    One file is in memory at a time.
    """
    files = part_files(features, "tune")
    starts = np.cumsum([0, *(pq.read_metadata(path).num_rows for path in files)])
    if not starts[-1]:
        raise ArtifactError(f"{features.uri} holds no row of the split tune")
    wanted = np.linspace(0, starts[-1] - 1, min(rows, starts[-1])).astype(np.int64)
    names = [field.name for field in schema.inputs]
    columns = [*names, *(VALUE_PREFIX + name for name in names)]
    table = pa.concat_tables(
        pq.read_table(path, columns=columns, partitioning=None).take(
            wanted[(wanted >= start) & (wanted < end)] - start
        )
        for path, start, end in zip(files, starts, starts[1:], strict=False)
    )
    raw = {
        name: [_json_value(value) for value in table[VALUE_PREFIX + name].to_pylist()]
        for name in names
    }
    return HeldOut(raw, to_inputs(table, schema))


def _json_value(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, list):
        return [_json_value(one) for one in value]
    return None if isinstance(value, float) and math.isnan(value) else value

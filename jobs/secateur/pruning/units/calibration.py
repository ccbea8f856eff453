"""Calibration data, which importance is computed on: counts of every row, and holdout rows."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from secateur.artifacts import Artifact
from secateur.contracts import artifact_files
from secateur.contracts.features import FeatureSchema, ListField
from secateur.contracts.models import ModelSpec
from secateur.contracts.pruning import PruningPlan
from secateur.model.data.batches import Split
from secateur.pruning.units.table_rows import inputs_after_cut, kept_rows

Counts = NDArray[np.int64]
SAMPLE = 32768  # rows: as many as a criterion needs to rank units by


@dataclass(frozen=True)
class CalibrationData:
    """Counts, holdout rows, a seed for random importance, and the cost of encoding each input.

    `counts[i]` int64 [rows of block i] is how often training saw each row, OOV last; None for
    buckets, which have few rows, all seen often: there is nothing to prune. A list that shares a
    category's block is not counted: the rows it reads go by the category's counts. `encoding` has
    the microseconds that an input's values take in a request, by its name (`cost_model`).
    """

    counts: tuple[Counts | None, ...]
    holdout: Split
    seed: int = 0
    encoding: Mapping[str, float] = field(default_factory=dict)

    @cached_property
    def sample(self) -> Split:
        """At most `SAMPLE` evenly spread rows of the holdout, to read activations on."""
        if len(self.holdout) <= SAMPLE:
            return self.holdout
        wanted = np.zeros(len(self.holdout), np.bool_)
        wanted[np.linspace(0, len(wanted) - 1, SAMPLE).astype(int)] = True
        return self.holdout.take(wanted)

    def after_cut(
        self, plan: PruningPlan, larger: ModelSpec, smaller: ModelSpec
    ) -> "CalibrationData":
        """The data for the model that `plan` left: what was cut counts as OOV."""
        cut = [
            c if c is None else np.append(left := c[kept.numpy()], c.sum() - left.sum())
            for c, kept in zip(self.counts, kept_rows(plan, larger), strict=True)
        ]
        counts = tuple(cut[block] for block in kept_blocks(larger, smaller))
        inputs = inputs_after_cut(self.holdout.inputs, plan, larger, smaller)
        return replace(self, counts=counts, holdout=replace(self.holdout, inputs=inputs))


def kept_blocks(larger: ModelSpec, smaller: ModelSpec) -> list[int]:
    """The blocks of the larger model's table that are in the smaller one's too."""
    wanted = set(smaller.inputs)
    return [block for block, name in enumerate(block_names(larger)) if name in wanted]


def block_names(spec: ModelSpec) -> list[str]:
    """The name of the field or list whose values each block of the table holds."""
    of_lists = {one.block: one.name for one in reversed(spec.lists)}
    return [*spec.fields, *(of_lists[b] for b in range(len(spec.fields), len(spec.rows)))]


def read_counts(features: Artifact) -> tuple[Counts | None, ...]:
    """Counts of every block's rows, int64 [rows], in a FeatureSet, from its vocabulary."""
    schema = features.read(artifact_files.SCHEMA, FeatureSchema)
    every = int(features.manifest.facts["rows"]["train"])
    vocabulary = pq.read_table(
        features.file(artifact_files.VOCABULARY), columns=["field", "id", "count"]
    ).sort_by([("field", "ascending"), ("id", "ascending")])

    def count_known(name: str) -> Counts:
        found = vocabulary.filter(pc.equal(vocabulary["field"], name))["count"].to_numpy()
        return np.asarray(found, np.int64)

    of_categories = [
        np.append(n := count_known(f.name), every - n.sum()) for f in schema.categories
    ]
    of_lists = [
        np.append(count_known(f.name), _count_unknown(features, f)) for f in schema.own_lists
    ]
    return (*of_categories, *(None for _ in schema.buckets), *of_lists)


def _count_unknown(features: Artifact, field: ListField) -> int:
    """How often the train rows' lists hold a value that is not in the vocabulary."""
    paths = sorted(e.path for e in features.manifest.files if e.path.startswith("train/"))
    columns = (
        pq.read_table(features.file(path), columns=[field.name], partitioning=None)[field.name]
        for path in paths
    )
    ids = (pc.list_flatten(column) for column in columns)
    return sum(int(pc.sum(pc.equal(values, field.oov)).as_py() or 0) for values in ids)

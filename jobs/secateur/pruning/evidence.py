"""What the choice of units rests on: training counts of every row, and the holdout rows."""

from dataclasses import dataclass, replace

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from secateur.artifacts import Artifact
from secateur.contracts.features import FeatureSchema
from secateur.model.batches import Split

Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Evidence:
    """`counts[i][r]` is how often training saw row `r` of field `i`, OOV last; None for buckets.

    Bucket fields have a few rows, all seen often: there is nothing to prune.
    """

    counts: tuple[Counts | None, ...]
    holdout: Split

    def cut_to(self, heights: tuple[int, ...]) -> "Evidence":
        """The evidence for tables of `heights` rows: what was cut counts as OOV."""
        cut = (
            c if c is None else np.append(c[: height - 1], c[height - 1 :].sum())
            for c, height in zip(self.counts, heights, strict=True)
        )
        return replace(self, counts=tuple(cut))


def read_counts(features: Artifact) -> tuple[Counts | None, ...]:
    """Counts of every field's rows in a FeatureSet, from its vocabulary."""
    schema = features.read("schema.json", FeatureSchema)
    rows = int(features.manifest.facts["rows"]["train"])
    vocabulary = pq.read_table(
        features.file("vocabulary.parquet"), columns=["field", "id", "count"]
    ).sort_by([("field", "ascending"), ("id", "ascending")])

    def counts(name: str) -> Counts:
        known = vocabulary.filter(pc.equal(vocabulary["field"], name))["count"].to_numpy()
        return np.append(known, rows - known.sum()).astype(np.int64)

    return (*(counts(f.name) for f in schema.categories), *(None for _ in schema.buckets))

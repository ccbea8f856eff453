"""Splits of a FeatureSet as tensors, and the order in which training reads their rows."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from numpy.typing import NDArray
from torch import Tensor

from secateur.artifacts import Artifact
from secateur.contracts.errors import ArtifactError
from secateur.contracts.features import FeatureSchema


@dataclass(frozen=True, eq=False)
class Split:
    """Rows in the order of their FeatureSet.

    `ids` int32 [rows, fields], `labels` float32 [rows] of 0 and 1, `days` datetime64[D] [rows].
    `guidance` float32 [rows], where a teacher gives it, are the probabilities to learn instead.
    """

    ids: Tensor
    labels: Tensor
    days: NDArray[np.datetime64]
    guidance: Tensor | None = None

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def targets(self) -> Tensor:
        """What to learn, float32 [rows]: the guidance, or else the labels."""
        return self.labels if self.guidance is None else self.guidance

    def take(self, rows: NDArray[np.bool_]) -> "Split":
        """The rows where the mask `rows` [rows] holds."""
        mask = torch.from_numpy(rows)
        guidance = None if self.guidance is None else self.guidance[mask]
        return Split(self.ids[mask], self.labels[mask], self.days[rows], guidance)


def load_split(features: Artifact, split: str) -> Split:
    """Read one split ("train", "tune" or "confirm") of a sealed FeatureSet.

    Raises ArtifactError when the FeatureSet holds no row of it.
    """
    names = [field.name for field in features.read("schema.json", FeatureSchema).fields]
    paths = sorted(e.path for e in features.manifest.files if e.path.startswith(f"{split}/"))
    columns = [*names, "label", "day"]
    tables = [pq.read_table(features.file(p), columns=columns, partitioning=None) for p in paths]
    if sum(table.num_rows for table in tables) == 0:
        raise ArtifactError(f"{features.uri} holds no row of the split {split}")
    return _split(pa.concat_tables(tables), names)


def _split(table: pa.Table, names: list[str]) -> Split:
    ids = np.empty((table.num_rows, len(names)), np.int32)
    for column, name in enumerate(names):
        ids[:, column] = table[name].to_numpy()
    labels = table["label"].to_numpy().astype(np.float32)
    days = table["day"].to_numpy().astype("datetime64[D]")
    return Split(torch.from_numpy(ids), torch.from_numpy(labels), days)


def split_holdout(train: Split, days: int) -> tuple[Split, Split]:
    """Part the train rows: all but their last `days` days, and those.

    Raises ArtifactError when no day would be left to train on.
    """
    present = np.unique(train.days)
    if len(present) <= days:
        raise ArtifactError(f"{len(present)} train days: too few to hold out the last {days}")
    held = train.days >= present[-days]
    return train.take(~held), train.take(held)


def shuffled(rows: int, size: int, seed: int) -> Iterator[Tensor]:
    """Row indices int64 [<= size] without end: epoch after epoch, each a fresh permutation.

    The last batch of an epoch holds what is left, so that every epoch has every row once.
    """
    generator = torch.Generator().manual_seed(seed)
    while True:
        yield from torch.split(torch.randperm(rows, generator=generator), size)

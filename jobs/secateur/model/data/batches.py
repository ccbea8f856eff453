"""Splits of a FeatureSet as tensors, and the order in which training reads their rows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from numpy.typing import NDArray
from torch import Tensor

from secateur.artifacts import Artifact
from secateur.contracts import artifact_files
from secateur.contracts.errors import ArtifactError
from secateur.contracts.features import FeatureSchema
from secateur.model.data.inputs import Inputs, Ragged

CPU = torch.device("cpu")


class Rows(Protocol):
    """Rows to train on, epoch after epoch, each in another order that the seed alone draws."""

    def __len__(self) -> int: ...

    def batches(self, size: int, seed: int, start: int = 0) -> Iterator[tuple[Inputs, Tensor]]:
        """Inputs and targets float32 [<= size, 1 + tasks] of batch after batch, without end.

        The first is the one numbered `start`. An epoch has every row once.
        """


@dataclass(frozen=True, eq=False)
class Split:
    """Rows in the order of their FeatureSet.

    `labels` float32 [rows] of 0 and 1, `days` datetime64[D] [rows]. `tasks` float32 [rows, tasks]
    are NaN where a row has no label for a task; None where there are no tasks.
    `distillation_targets` float32 [rows, 1 + tasks] are probabilities to learn instead of both.
    """

    inputs: Inputs
    labels: Tensor
    days: NDArray[np.datetime64]
    distillation_targets: Tensor | None = None
    tasks: Tensor | None = None

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def targets(self) -> Tensor:
        """What to learn, float32 [rows, 1 + tasks]: distillation targets, else label and tasks."""
        if self.distillation_targets is not None:
            return self.distillation_targets
        label = self.labels[:, None]
        return label if self.tasks is None else torch.cat([label, self.tasks], 1)

    def batches(self, size: int, seed: int, start: int = 0) -> Iterator[tuple[Inputs, Tensor]]:
        """See Rows: targets [<= size, 1 + tasks]. The last batch of an epoch holds what is left."""
        targets = self.targets
        for at in shuffled_indices(len(self), size, seed, start, self.labels.device):
            yield self.inputs.take(at), targets[at]

    def to(self, device: torch.device) -> "Split":
        """The same rows on `device`."""
        soft, tasks = (
            None if t is None else t.to(device) for t in (self.distillation_targets, self.tasks)
        )
        return Split(self.inputs.to(device), self.labels.to(device), self.days, soft, tasks)

    def take(self, rows: NDArray[np.bool_]) -> "Split":
        """The rows where the mask `rows` bool [rows] is true."""
        at = torch.from_numpy(np.flatnonzero(rows))
        soft, tasks = (
            None if t is None else t[at] for t in (self.distillation_targets, self.tasks)
        )
        return Split(self.inputs.take(at), self.labels[at], self.days[rows], soft, tasks)


def to_device(rows: Rows, device: torch.device) -> Rows:
    """The rows on a GPU where they take a quarter of its free memory at most, else as they are.

    Shapes are those of a Split's tensors, [rows, ..].
    """
    if not isinstance(rows, Split) or device.type != "cuda":
        return rows
    free, _ = torch.cuda.mem_get_info(device)
    return rows.to(device) if 4 * rows.inputs.bytes <= free else rows


def load_split(features: Artifact, split: str) -> Split:
    """Read one split ("train", "tune" or "confirm") of a sealed FeatureSet.

    Raises ArtifactError when the FeatureSet holds no row of it, or a vector of another length.
    """
    schema = features.read(artifact_files.SCHEMA, FeatureSchema)
    tables = [
        pq.read_table(path, columns=columns_of(schema), partitioning=None)
        for path in part_files(features, split)
    ]
    if sum(table.num_rows for table in tables) == 0:
        raise ArtifactError(f"{features.uri} holds no row of the split {split}")
    return to_split(pa.concat_tables(tables), schema)


def part_files(features: Artifact, split: str) -> list[Path]:
    """The files of a split, in their order."""
    paths = sorted(e.path for e in features.manifest.files if e.path.startswith(f"{split}/"))
    return [features.file(path) for path in paths]


def columns_of(schema: FeatureSchema) -> list[str]:
    """The columns that a Split is made of."""
    return [*(field.name for field in schema.inputs), "label", *schema.task_columns, "day"]


def to_split(table: pa.Table, schema: FeatureSchema) -> Split:
    """Rows of a FeatureSet's files as tensors [rows, ..] (see Split and Inputs)."""
    labels = table["label"].to_numpy().astype(np.float32)
    days = table["day"].cast(pa.string()).cast(pa.date32()).to_numpy()
    tasks = _matrix(table, schema.task_columns, np.float32) if schema.tasks else None
    return Split(to_inputs(table, schema), torch.from_numpy(labels), days, tasks=tasks)


def to_inputs(table: pa.Table, schema: FeatureSchema) -> Inputs:
    """The encoded columns of a FeatureSet's rows, [rows, ..] as Inputs has them."""
    return Inputs(
        ids=_matrix(table, [field.name for field in schema.fields], np.int32),
        numbers=_matrix(table, [field.name for field in schema.numbers], np.float32),
        vectors=torch.cat(
            [torch.empty(table.num_rows, 0)]
            + [_vectors(table, field.name, field.length) for field in schema.vectors],
            dim=1,
        ),
        lists=tuple(_to_ragged(table[field.name]) for field in schema.lists),
    )


def _matrix(table: pa.Table, names: Sequence[str], kind: type[np.generic]) -> Tensor:
    """Columns side by side, [rows, names] of dtype `kind`."""
    values = np.empty((table.num_rows, len(names)), kind)
    for column, name in enumerate(names):
        values[:, column] = table[name].to_numpy()
    return torch.from_numpy(values)


def _vectors(table: pa.Table, name: str, length: int) -> Tensor:
    """A column of vectors, float32 [rows, length]."""
    ragged = _to_ragged(table[name])
    if not bool((ragged.offsets.diff() == length).all()):
        raise ArtifactError(f"not every {name} holds the {length} numbers that its schema says")
    return ragged.values.reshape(-1, length)


def _to_ragged(column: pa.ChunkedArray) -> Ragged:
    """The lists of a column [rows], values of any number type; a null is an empty list."""
    lengths = [chunk.value_lengths().fill_null(0).to_numpy() for chunk in column.chunks]
    values = [chunk.flatten().to_numpy() for chunk in column.chunks]
    offsets = np.cumsum(np.concatenate([[0], *lengths]), dtype=np.int64)
    return Ragged(torch.from_numpy(np.concatenate(values)), torch.from_numpy(offsets))


def split_holdout(train: Split, days: int) -> tuple[Split, Split]:
    """Split the train rows [rows, ..]: all but their last `days` days, and those.

    Raises ArtifactError when no day would be left to train on.
    """
    first, *_ = last_days(np.unique(train.days).astype(str).tolist(), days)
    held = train.days >= np.datetime64(first)
    return train.take(~held), train.take(held)


def last_days(present: Sequence[str], days: int) -> Sequence[str]:
    """The last `days` of the rising days `present`. Raises ArtifactError when no other is left."""
    if len(present) <= days:
        raise ArtifactError(f"{len(present)} train days: too few to hold out the last {days}")
    return present[-days:]


def shuffled_indices(
    rows: int, size: int, seed: int, start: int = 0, device: torch.device = CPU
) -> Iterator[Tensor]:
    """Row indices int64 [<= size] without end: epoch after epoch, each a fresh permutation.

    The last batch of an epoch holds what is left, so that every epoch has every row once. Begins
    at the batch numbered `start`. The order is the same on every `device`.
    """
    earlier, skip = divmod(start, -(-rows // size))
    generator = torch.Generator().manual_seed(seed)
    for epoch in count():
        order = torch.randperm(rows, generator=generator)
        if epoch >= earlier:
            yield from torch.split(order.to(device), size)[skip if epoch == earlier else 0 :]


def row_permutation(rows: int, seed: int, *place: int) -> Tensor:
    """A permutation int64 [rows] drawn by the seed and its place, such as the epoch, alone."""
    drawn = np.random.SeedSequence([seed, *place]).generate_state(1, np.uint64)
    generator = torch.Generator().manual_seed(int(drawn[0] >> 1))
    return torch.randperm(rows, generator=generator)

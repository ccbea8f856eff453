"""Train rows that do not fit into the memory they may take, read anew at every epoch.

The row groups of the sealed Parquet are the blocks of the shuffle. An epoch shuffles all
blocks and packs them, in that order, into buffers; within a buffer all rows are shuffled. One
buffer is trained on while a thread reads the next. A buffer's blocks come from all over the set, so
a batch mixes days, though less than a shuffle of all rows would.
"""

from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from torch import Tensor

from secateur.artifacts import Artifact
from secateur.contracts import artifact_files
from secateur.contracts.errors import ArtifactError
from secateur.contracts.features import FeatureSchema
from secateur.model.data.batches import (
    Rows,
    Split,
    columns_of,
    last_days,
    part_files,
    row_permutation,
    to_split,
)
from secateur.model.data.inputs import Inputs

BUFFERS = 4  # at once: the rows in use, a batch of them, and the next ones as Arrow and as tensors
OTHER_BYTES = 16  # a row, for label, day and order


@dataclass(frozen=True)
class Block:
    """One row group of a file, and how many of its rows are wanted of each day."""

    path: Path
    group: int
    days: Mapping[str, int]

    def __len__(self) -> int:
        return sum(self.days.values())

    def on_days(self, days: Collection[str]) -> "Block":
        """Its rows of these days."""
        return replace(self, days={day: n for day, n in self.days.items() if day in days})

    def read(self, columns: Sequence[str]) -> pa.Table:
        """Its rows [len(self)] in their order, with these columns."""
        table = pq.ParquetFile(self.path).read_row_group(self.group, columns=list(columns))
        wanted = pc.is_in(table["day"], pa.array(sorted(self.days), table["day"].type))
        return table if len(self) == len(table) else table.filter(wanted)


@dataclass(frozen=True)
class Stream:
    """The rows of `blocks`, of which at most `memory_mb` are in memory at once.

    A block is read whole: a memory smaller than `BUFFERS` of them is exceeded.
    """

    schema: FeatureSchema
    blocks: tuple[Block, ...]
    memory_mb: float

    def __len__(self) -> int:
        return _rows(self.blocks)

    def batches(self, size: int, seed: int, start: int = 0) -> Iterator[tuple[Inputs, Tensor]]:
        """See Rows: targets [<= size, 1 + tasks]. Buffers before batch `start` are not read."""
        for (epoch, number, skip), rows in self._read_ahead(self._plan(size, seed, start), seed):
            order, targets = row_permutation(len(rows), seed, epoch, number + 1), rows.targets
            for at in order.tensor_split(_batch_count(len(rows), size))[skip:]:
                yield rows.inputs.take(at), targets[at]

    def read(self) -> Split:
        """All rows at once, in the order of their files."""
        tables = [block.read(columns_of(self.schema)) for block in self.blocks]
        return to_split(pa.concat_tables(tables), self.schema)

    def split_holdout(self, days: int) -> tuple["Stream", "Stream"]:
        """All but the last `days` days, and those; ArtifactError as in `batches.split_holdout`."""
        held = last_days(self.days, days)
        return self._on_days([day for day in self.days if day not in held]), self._on_days(held)

    @property
    def days(self) -> list[str]:
        """The days that it has rows of, in order."""
        return sorted({day for block in self.blocks for day in block.days})

    def after_day(self, day: str) -> "Stream":
        """Its rows of later days than this one."""
        return self._on_days([one for one in self.days if one > day])

    def read_if_small(self) -> Rows:
        """All rows [rows, ..] in memory if they fit in half of it, else itself.

        The other half is for their order.
        """
        megabytes = len(self) * row_bytes(self.schema) / 1e6
        return self.read() if 2 * megabytes <= self.memory_mb else self

    def _on_days(self, days: Collection[str]) -> "Stream":
        blocks = (block.on_days(days) for block in self.blocks)
        return replace(self, blocks=tuple(block for block in blocks if len(block)))

    def _plan(self, size: int, seed: int, start: int) -> Iterator[tuple[int, int, int]]:
        """Every buffer from batch `start` on: its epoch, its number, and the batches to skip."""
        for epoch in count():
            for number, pack in enumerate(self._packs(epoch, seed)):
                batches = _batch_count(_rows(pack), size)
                if start < batches:
                    yield epoch, number, start
                start = max(0, start - batches)

    def _packs(self, epoch: int, seed: int) -> list[list[Block]]:
        most = self.memory_mb * 1e6 / BUFFERS / row_bytes(self.schema)
        packs: list[list[Block]] = [[]]
        for at in row_permutation(len(self.blocks), seed, epoch).tolist():
            block = self.blocks[at]
            if packs[-1] and _rows(packs[-1]) + len(block) > most:
                packs.append([])
            packs[-1].append(block)
        return packs

    def _read_ahead(
        self, plan: Iterator[tuple[int, int, int]], seed: int
    ) -> Iterator[tuple[tuple[int, int, int], Split]]:
        """The rows of each buffer, read while the one before is in use."""
        pending: deque[tuple[tuple[int, int, int], Future[Split]]] = deque()
        with ThreadPoolExecutor(1, "read") as reader:
            for place in plan:
                pack = replace(self, blocks=tuple(self._packs(place[0], seed)[place[1]]))
                pending.append((place, reader.submit(pack.read)))
                if len(pending) > 1:
                    first, rows = pending.popleft()
                    yield first, rows.result()
                    del rows


def open_stream(features: Artifact, split: str, memory_mb: float) -> Stream:
    """A split of a sealed FeatureSet, of whose rows only the days were read yet.

    Raises ArtifactError when it holds no row.
    """
    schema = features.read(artifact_files.SCHEMA, FeatureSchema)
    blocks = []
    for path in part_files(features, split):
        file = pq.ParquetFile(path)
        for group in range(file.num_row_groups):
            counts = pc.value_counts(file.read_row_group(group, columns=["day"])["day"])
            days = {str(c["values"]): c["counts"].as_py() for c in counts}
            blocks.append(Block(path, group, days))
    if not _rows(blocks):
        raise ArtifactError(f"{features.uri} holds no row of the split {split}")
    return Stream(schema, tuple(blocks), memory_mb)


def row_bytes(schema: FeatureSchema) -> int:
    """At most how many bytes a row takes as tensors: 4 an id, a number or a task."""
    lists = sum(field.length for field in schema.lists)
    vectors = sum(field.length for field in schema.vectors)
    single = len(schema.fields) + len(schema.numbers) + len(schema.tasks)
    return 4 * (single + lists + vectors) + OTHER_BYTES


def _rows(blocks: Sequence[Block]) -> int:
    return sum(len(block) for block in blocks)


def _batch_count(rows: int, size: int) -> int:
    return -(-rows // size)

"""What a model reads of a batch of rows, as tensors; lists without padding."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Ragged:
    """A list a row: that of row i is `values[offsets[i] : offsets[i + 1]]`.

    `values` int32 [total], `offsets` int64 [rows + 1].
    """

    values: Tensor
    offsets: Tensor

    def take(self, rows: Tensor) -> "Ragged":
        """The lists of the rows at `rows` int64 [n], in that order."""
        starts = self.offsets[rows]
        lengths = self.offsets[rows + 1] - starts
        offsets = torch.cat([lengths.new_zeros(1), lengths.cumsum(0)])
        shift = torch.repeat_interleave(starts - offsets[:-1], lengths)
        return Ragged(self.values[shift + torch.arange(len(shift), device=rows.device)], offsets)

    def slice(self, start: int, end: int) -> "Ragged":
        """The lists of the rows start .. end - 1, [end - start]."""
        offsets = self.offsets[start : end + 1]
        return Ragged(self.values[offsets[0] : offsets[-1]], offsets - offsets[0])

    def to(self, device: torch.device) -> "Ragged":
        """The same lists, shapes and dtypes, on `device`."""
        return Ragged(self.values.to(device), self.offsets.to(device))


@dataclass(frozen=True, eq=False)
class Inputs:
    """Rows of every kind of field, each kind in the order of the feature schema.

    `ids` int32 [rows, fields], `numbers` float32 [rows, numbers], `vectors` float32
    [rows, their lengths together], `lists` one Ragged a list.
    """

    ids: Tensor
    numbers: Tensor
    vectors: Tensor
    lists: tuple[Ragged, ...]

    @classmethod
    def of_ids(cls, ids: Tensor) -> "Inputs":
        """Rows of a schema whose fields all have one id a row: `ids` int32 [rows, fields]."""
        nothing = torch.empty(len(ids), 0, device=ids.device)
        return cls(ids, nothing, nothing, ())

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, rows: Tensor) -> "Inputs":
        """The rows at `rows` int64 [n], in that order."""
        lists = tuple(column.take(rows) for column in self.lists)
        return Inputs(self.ids[rows], self.numbers[rows], self.vectors[rows], lists)

    def slice(self, start: int, end: int) -> "Inputs":
        """The rows start .. end - 1, [end - start, ..]."""
        lists = tuple(column.slice(start, min(end, len(self))) for column in self.lists)
        rows = slice(start, end)
        return Inputs(self.ids[rows], self.numbers[rows], self.vectors[rows], lists)

    def chunks(self, size: int) -> Iterator["Inputs"]:
        """All rows in their order, as Inputs of [<= size] rows."""
        return (self.slice(start, start + size) for start in range(0, len(self), size))

    def to(self, device: torch.device) -> "Inputs":
        """The same rows, shapes and dtypes, on `device`."""
        lists = tuple(column.to(device) for column in self.lists)
        return Inputs(self.ids.to(device), self.numbers.to(device), self.vectors.to(device), lists)

    def clone(self) -> "Inputs":
        """The same rows [rows, ..] in memory of their own; of a schema without lists."""
        return Inputs(self.ids.clone(), self.numbers.clone(), self.vectors.clone(), ())

    def copy_(self, rows: "Inputs") -> None:
        """Become `rows`, of the same shapes [rows, ..]; of a schema without lists."""
        self.ids.copy_(rows.ids)
        self.numbers.copy_(rows.numbers)
        self.vectors.copy_(rows.vectors)

    @property
    def bytes(self) -> int:
        """Bytes of all tensors together."""
        columns = [self.ids, self.numbers, self.vectors]
        columns += [tensor for ragged in self.lists for tensor in (ragged.values, ragged.offsets)]
        return sum(column.nbytes for column in columns)

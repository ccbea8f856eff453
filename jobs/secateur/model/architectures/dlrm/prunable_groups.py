"""What the units of a DLRM are coupled to besides its tower."""

from collections.abc import Iterator

import torch
from torch import Tensor

from secateur.contracts.models import ModelSpec
from secateur.model.architectures.dlrm.network import DLRM
from secateur.model.architectures.kept_units import Kept
from secateur.model.architectures.prunable_groups import PrunableGroups
from secateur.model.architectures.tower import Tower, linears_of


class InteractionGroups(PrunableGroups[DLRM]):
    """An embedding dimension goes with the bottom's output of its place, and columns that read it.

    An input goes with all dot products that it is part of; the numbers, one embedding together,
    stay.
    """

    @staticmethod
    def fixed_inputs(spec: ModelSpec) -> set[str]:
        """The numbers, which become one embedding together."""
        return set(spec.numbers)

    def tower_columns(self, kept: Kept) -> Iterator[Tensor]:
        """The kept of what the tower reads, int64 [kept]: embeddings, or their dot products."""
        spec, bottom = self.model.spec, bool(len(self.model.bottom))
        dim = spec.embedding_dim
        own = kept.dimensions[: len(kept.dimensions) if bottom and len(kept.numbers) else 0]
        if self.model.own.interaction == "cat":
            yield torch.cat([own, kept.columns(dim, start=dim * bottom)])
            return
        meets = torch.zeros(spec.embedding_count + bottom, dtype=torch.bool)
        meets[kept.embedded + bottom] = True
        meets[: int(bottom)] = len(own) > 0
        first, second = self.model.pairs.cpu()
        yield torch.cat([own, dim * bottom + (meets[first] & meets[second]).nonzero().flatten()])

    def silence(self, dimensions: Tensor) -> None:
        """Make these dimensions, bool [dim], 0 in the bottom's output too."""
        super().silence(dimensions)
        for layer in linears_of(self.model.bottom)[-1:]:
            layer.weight[dimensions] = 0
            layer.bias[dimensions] = 0

    def embedding_readers(self) -> tuple[Tower, ...]:
        """The tower, where it reads embeddings: a dot product cannot absorb a constant."""
        return self.model.towers if self.model.own.interaction == "cat" else ()

    def take_over(self, larger: DLRM, kept: Kept) -> None:
        """Copy the bottom; its last layer keeps the outputs of the dimensions that stay."""
        rows, bottom = kept.dimensions, linears_of(self.model.bottom)
        for old, new in zip(linears_of(larger.bottom), bottom, strict=True):
            last, first = new is bottom[-1], new is bottom[0]
            weight = old.weight[rows] if last else old.weight
            new.weight.copy_(weight[:, kept.numbers] if first else weight)
            new.bias.copy_(old.bias[rows] if last else old.bias)

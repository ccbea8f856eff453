"""Which units of a model pruning may remove, and what is coupled to each of them.

Every architecture has these units, each with what goes together with it:

    a neuron               its row in one Linear, its column in the next
    an embedding row       in both tables
    an embedding dimension a column of the table, and one column an embedding in what reads them
    an input               its rows of both tables, and its columns in what reads it

What else an architecture couples to them stands in its folder's `prunable_groups.py`.
"""

from collections.abc import Iterator
from typing import Generic, TypeVar

import torch
from torch import Tensor

from secateur.contracts.models import ModelSpec
from secateur.model.architectures.kept_units import Kept
from secateur.model.architectures.recommender import Recommender
from secateur.model.architectures.tower import Tower, linears_of

AnyModel = TypeVar("AnyModel", bound=Recommender)


class PrunableGroups(Generic[AnyModel]):
    """The groups of a model whose towers read all embeddings and numbers side by side."""

    def __init__(self, model: AnyModel) -> None:
        self.model = model

    @staticmethod
    def fixed_inputs(spec: ModelSpec) -> set[str]:
        """Inputs of such a model that cannot go one by one."""
        return set()

    def may_be_linear(self) -> list[bool]:
        """Whether the activation of each hidden layer of each tower may go.

        A tower keeps one hidden layer.
        """
        return [
            len(tower.activations) > 1 and self.is_free(tower, i)
            for tower in self.model.towers
            for i in range(len(tower.activations))
        ]

    def is_free(self, tower: Tower, layer: int) -> bool:
        """Whether nothing but the tower's next Linear reads what its hidden `layer` gives."""
        return True

    def tower_columns(self, kept: Kept) -> Iterator[Tensor]:
        """The places of the inputs that are left of each tower, int64 [kept]."""
        for _ in self.model.towers:
            yield self.flat_columns(kept)

    def tower_outputs(self, kept: Kept) -> Iterator[Tensor]:
        """The places of the outputs that are left of each tower, int64 [kept]."""
        for tower in self.model.towers:
            yield torch.arange(linears_of(tower.layers)[-1].out_features)

    def flat_columns(self, kept: Kept) -> Tensor:
        """The columns of all inputs side by side that are left, int64 [kept]."""
        spec = self.model.spec
        numbers = spec.embedding_count * spec.embedding_dim + kept.numbers
        return torch.cat([kept.columns(spec.embedding_dim), numbers])

    def silence(self, dimensions: Tensor) -> None:
        """Make these dimensions, bool [dim], 0 in every embedding."""
        self.model.embedding.weight[:, dimensions] = 0

    def absorb(self, place: int, embedding: Tensor, weight: Tensor) -> None:
        """Take in what a constant input gives, so that it may give 0 from now on.

        The input at this place of the embedded ones is an `embedding` [dim] with a first-order
        `weight` [first_orders], the same in every row. What meets other inputs otherwise than in
        sums is lost.
        """
        alone, dimensions = torch.tensor([place]), torch.arange(len(embedding))
        kept = Kept(alone, torch.empty(0, dtype=torch.int64), dimensions, ())
        columns = list(self.tower_columns(kept))
        for tower, read in zip(self.model.towers, columns, strict=True):
            if tower in self.embedding_readers() and len(tower.layers):
                first = linears_of(tower.layers)[0]
                first.bias.add_(first.weight[:, read] @ embedding)

    def embedding_readers(self) -> tuple[Tower, ...]:
        """The towers whose first layers read embeddings."""
        return self.model.towers

    def take_over(self, larger: AnyModel, kept: Kept) -> None:
        """Copy all but tables and towers from a model that is silent in what does not stay."""

"""DLRM (Naumov et al., 2019): numbers become an embedding, and a tower reads how all meet."""

import itertools

import torch
from torch import Tensor, nn

from secateur.contracts.models import ModelSpec
from secateur.model.architectures.kept_units import Kept
from secateur.model.architectures.recommender import Embedded, Recommender
from secateur.model.architectures.tower import linears_of


class DLRM(Recommender):
    """Score = bias + tower over [bottom, interactions].

    The bottom perceptron makes one more embedding of all numbers, by Linear and ReLU. Interactions
    are the dot products of every pair of embeddings, or, as the authors' code has it too, all of
    them side by side ("cat"). There is no first order. An embedding dimension is coupled to the
    bottom's output of its place and to the columns of the tower that read it: one an embedding
    side by side, else the bottom's alone.
    """

    first_orders = 0
    embedding_std = 0.1  # dot products of smaller ones are too near 0 to learn from
    pairs: Tensor

    def __init__(self, spec: ModelSpec, dropout: float = 0.0) -> None:
        super().__init__(spec, dropout)
        numbers = len(spec.numbers)
        widths = (numbers, *spec.bottom, spec.embedding_dim) if numbers else ()
        self.bottom = nn.ModuleList(nn.Linear(a, b) for a, b in itertools.pairwise(widths))
        embeddings = spec.embedded + bool(numbers)
        pairs = torch.triu_indices(embeddings, embeddings, offset=1)
        self.register_buffer("pairs", pairs, persistent=False)

    def score(self, embedded: Embedded) -> Tensor:
        """Logits [batch, 1 + tasks] of embedded inputs."""
        tower: Tensor = self.tower(self.tower_input(embedded))
        return self.with_own(tower, self.bias)

    def tower_input(self, embedded: Embedded) -> Tensor:
        """What the tower reads, [batch, tower_inputs]."""
        every = embedded.vectors
        if len(self.bottom):
            x = embedded.numbers
            for layer in self.bottom:
                x = torch.relu(layer(x))
            every = torch.cat([x[:, None].to(every.dtype), every], 1)
        if self.spec.interaction == "cat":
            return every.flatten(1)
        own = [every[:, 0]] if len(self.bottom) else []
        return torch.cat([*own, self._dots(every)], 1)

    def tower_columns(self, kept: Kept) -> Tensor:
        """Of embeddings that the tower reads what is kept, and the dot products of those."""
        dim, bottom = self.spec.embedding_dim, bool(len(self.bottom))
        own = kept.dimensions[: len(kept.dimensions) if bottom and len(kept.numbers) else 0]
        if self.spec.interaction == "cat":
            return torch.cat([own, kept.columns(dim, start=dim * bottom)])
        meets = torch.zeros(self.spec.embedded + bottom, dtype=torch.bool)
        meets[kept.embedded + bottom] = True
        meets[: int(bottom)] = len(own) > 0
        both = meets[self.pairs[0].cpu()] & meets[self.pairs[1].cpu()]
        return torch.cat([own, dim * bottom + both.nonzero().flatten()])

    def silence(self, dimensions: Tensor) -> None:
        """In the bottom's output too."""
        super().silence(dimensions)
        for layer in linears_of(self.bottom)[-1:]:
            layer.weight[dimensions] = 0
            layer.bias[dimensions] = 0

    def absorb(self, place: int, embedding: Tensor, weight: Tensor) -> None:
        """Its tower takes in an embedding that it reads, and no dot product."""
        if self.spec.interaction == "cat":
            super().absorb(place, embedding, weight)

    def take_over(self, larger: Recommender, kept: Kept) -> None:
        """The bottom, of its last layer the `dimensions`; every number stays with the others."""
        assert isinstance(larger, DLRM)  # noqa: S101 - of one architecture
        rows = kept.dimensions
        for old, new in zip(linears_of(larger.bottom), linears_of(self.bottom), strict=True):
            last, first = new is self.bottom[-1], new is self.bottom[0]
            weight = old.weight[rows] if last else old.weight
            new.weight.copy_(weight[:, kept.numbers] if first else weight)
            new.bias.copy_(old.bias[rows] if last else old.bias)

    def _dots(self, vectors: Tensor) -> Tensor:
        """Dot products [batch, pairs] of embeddings [batch, n, dim]."""
        # They are few, and a logit hangs on each: bfloat16 would keep three digits of it.
        with torch.autocast(vectors.device.type, enabled=False):
            products = torch.bmm(vectors, vectors.mT)
        first, second = self.pairs
        return products[:, first, second]

"""DLRM (Naumov et al., 2019): numbers become an embedding, and a tower reads how all meet."""

import itertools

import torch
from torch import Tensor, nn

from secateur.contracts.models import ModelSpec
from secateur.model.architectures.dlrm.spec import InteractionShapes
from secateur.model.architectures.recommender import Embedded, Recommender


class DLRM(Recommender):
    """Score = bias + tower over [bottom, interactions].

    The bottom perceptron makes one more embedding of all numbers, by Linear and ReLU. Interactions
    are the dot products of every pair of embeddings, or, as the authors' code has it too, all of
    them side by side ("cat"). There is no first order.
    """

    shapes = InteractionShapes()
    first_orders = 0
    embedding_std = 0.1  # dot products of smaller ones are too near 0 to learn from
    pairs: Tensor

    def __init__(self, spec: ModelSpec, dropout: float = 0.0) -> None:
        super().__init__(spec, dropout)
        self.own = self.shapes.own(spec)
        numbers = len(spec.numbers)
        widths = (numbers, *self.own.bottom, spec.embedding_dim) if numbers else ()
        self.bottom = nn.ModuleList(nn.Linear(a, b) for a, b in itertools.pairwise(widths))
        embeddings = spec.embedding_count + bool(numbers)
        pairs = torch.triu_indices(embeddings, embeddings, offset=1)
        self.register_buffer("pairs", pairs, persistent=False)

    def score(self, embedded: Embedded) -> Tensor:
        """Logits [batch, 1 + tasks] of embedded inputs."""
        tower: Tensor = self.tower(self.tower_input(embedded))
        return self.with_own(tower, self.bias)

    def tower_input(self, embedded: Embedded) -> Tensor:
        """What the tower reads, [batch, inputs of its first layer]."""
        every = embedded.vectors
        if len(self.bottom):
            x = embedded.numbers
            for layer in self.bottom:
                x = torch.relu(layer(x))
            every = torch.cat([x[:, None].to(every.dtype), every], 1)
        if self.own.interaction == "cat":
            return every.flatten(1)
        own = [every[:, 0]] if len(self.bottom) else []
        return torch.cat([*own, self._dots(every)], 1)

    def _dots(self, vectors: Tensor) -> Tensor:
        """Dot products [batch, pairs] of embeddings [batch, n, dim]."""
        # They are few, and a logit hangs on each: bfloat16 would keep three digits of it.
        with torch.autocast(vectors.device.type, enabled=False):
            products = torch.bmm(vectors, vectors.mT)
        first, second = self.pairs
        return products[:, first, second]

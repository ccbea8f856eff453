"""What every architecture shares: inputs of all kinds become embeddings and first-order terms.

    a field's id        its row of the table
    a list of ids       the mean of its values' rows; an empty list is zero
    a vector z          z P, where P are the table's rows for its numbers: a linear projection
    a number x          x v, where v is the table's row for it (Rendle, ICDM 2010)

The first three are embeddings that a tower reads; of a number it reads x itself.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from secateur.contracts.models import ModelSpec
from secateur.model.architectures.fake_quantization import FakeQuantization
from secateur.model.architectures.shapes import Shapes
from secateur.model.architectures.tower import Tower
from secateur.model.data.inputs import Inputs


@dataclass(frozen=True, eq=False)
class Embedded:
    """A batch of inputs as an architecture reads them.

    `vectors` [batch, fields + lists + vectors, dim], `numbers` [batch, numbers], `scaled`
    [batch, numbers, dim] are the numbers times their embeddings, and `first_order`
    [batch, fields + lists + vectors + numbers, 1] the weights times what they weigh.
    """

    vectors: Tensor
    numbers: Tensor
    scaled: Tensor
    first_order: Tensor

    @property
    def flat(self) -> Tensor:
        """All embeddings side by side, then the numbers, [batch, flat_inputs]."""
        vectors = self.vectors.flatten(1)
        return torch.cat([vectors, self.numbers], 1) if self.numbers.shape[1] else vectors

    @property
    def factors(self) -> Tensor:
        """What interacts in pairs, [batch, fields + lists + vectors + numbers, dim]."""
        return torch.cat([self.vectors, self.scaled], 1) if self.numbers.shape[1] else self.vectors


class Recommender(nn.Module):
    """The tables of embeddings and of first-order weights, the bias, and the tower if it has one.

    Block `i` of the tables begins at row `offset[i]`; its row `oov[i]` is its OOV row (see
    `ModelSpec`). An architecture gives `score`.
    """

    shapes: Shapes[Any, Any] = Shapes()
    first_orders = 1  # weights a row; 0 where an architecture has no first order
    embedding_std = 0.01  # of an untrained embedding
    offset: Tensor
    oov: Tensor

    def __init__(self, spec: ModelSpec, dropout: float = 0.0) -> None:
        super().__init__()
        self.spec = spec
        rows = torch.tensor(spec.rows)
        self.register_buffer("offset", torch.cumsum(rows, 0) - rows, persistent=False)
        self.register_buffer("oov", rows - 1, persistent=False)
        height = int(rows.sum()) + spec.dense
        self.embedding = nn.Embedding(height, spec.embedding_dim)
        self.first_order = nn.Embedding(height, self.first_orders)
        self.bias = nn.Parameter(torch.zeros(1))
        self.fake_quantization: FakeQuantization | None = None  # in quantization-aware training
        width = self.shapes.tower_inputs(spec)
        self.tower = Tower(width, spec.hidden, dropout, 1 + len(spec.tasks))
        nn.init.normal_(self.embedding.weight, std=self.embedding_std)
        nn.init.zeros_(self.first_order.weight)

    def forward(self, inputs: Inputs, *, tasks: bool = False) -> Tensor:
        """The label's logits [batch], or with `tasks` those of every task too: see `score`."""
        logits = self.score(self.embed(inputs))
        return logits if tasks else logits[:, 0]

    def score(self, embedded: Embedded) -> Tensor:
        """Logits [batch, 1 + tasks] of embedded inputs: the label's, then those of every task."""
        raise NotImplementedError

    def with_own(self, tower: Tensor, own: Tensor) -> Tensor:
        """Logits [batch, 1 + tasks] of the tower, with what the label alone has: `own` [.., 1]."""
        return tower + functional.pad(own, (0, len(self.spec.tasks)))

    @property
    def towers(self) -> tuple[Tower, ...]:
        """Every tower, whose hidden neurons pruning may remove."""
        return (self.tower,)

    def tower_input(self, embedded: Embedded) -> Tensor:
        """What the tower reads, [batch, inputs of its first layer]."""
        return embedded.flat

    def tower_inputs(self, embedded: Embedded) -> tuple[Tensor, ...]:
        """What each tower reads, [batch, its inputs]."""
        return (self.tower_input(embedded),) * len(self.towers)

    def embed(self, inputs: Inputs) -> Embedded:
        """Look every input up in both tables: tensors [batch, ..], see Embedded."""
        rows = self.rows(inputs)
        return self.read(rows, inputs, self.embedding.weight, self.first_order.weight)

    def rows(self, inputs: Inputs) -> Tensor:
        """Places int64 [total] of all table rows that a batch reads: ids, numbers, lists, vectors.

        They are looked up at once, since every look-up's gradient is as large as the table.
        """
        fields = inputs.ids.shape[1]
        of_ids = torch.minimum(inputs.ids, self.oov[:fields]) + self.offset[:fields]
        of_lists = [
            torch.minimum(ragged.values, self.oov[spec.block]) + self.offset[spec.block]
            for ragged, spec in zip(inputs.lists, self.spec.lists, strict=True)
        ]
        height = self.embedding.num_embeddings
        numbers = len(self.spec.numbers)
        dense = torch.arange(height - self.spec.dense, height, device=inputs.ids.device)
        return torch.cat([of_ids.flatten(), dense[:numbers], *of_lists, dense[numbers:]])

    def read(
        self, rows: Tensor, inputs: Inputs, embedding: Tensor, first_order: Tensor
    ) -> Embedded:
        """Embed `inputs`, whose `rows` int64 [total] are places in both tables.

        `embedding` is [rows, dim], `first_order` [rows, first_orders].
        """
        found = looked_up(embedding, rows)
        if self.fake_quantization is not None:
            found = self.fake_quantization(found, inputs)
        vectors, scaled = self._read(found, inputs)
        weights, scaled_weights = self._read(looked_up(first_order, rows), inputs)
        if inputs.numbers.shape[1]:
            weights = torch.cat([weights, scaled_weights], 1)
        return Embedded(vectors, inputs.numbers, scaled, weights)

    def pool(self, place: int, values: Tensor, offsets: Tensor, of_ids: Tensor) -> Tensor:
        """One row [batch, width] a list, of its `values` [total, width].

        It is the list at this place, and `of_ids` [batch, fields, width] are the rows of ids.
        """
        return means(values, offsets)

    def _read(self, found: Tensor, inputs: Inputs) -> tuple[Tensor, Tensor]:
        """From table rows [.., width] in the order of `rows`, what each input becomes.

        Ids, lists and vectors [batch, fields + lists + vectors, width]; numbers
        [batch, numbers, width].
        """
        lengths = [vector.length for vector in self.spec.vectors]
        of_lists = [len(ragged.values) for ragged in inputs.lists]
        sizes = [inputs.ids.numel(), len(self.spec.numbers), *of_lists, *lengths]
        of_ids, of_numbers, *rest = torch.split(found, sizes)
        vectors = [of_ids.view(*inputs.ids.shape, found.shape[1])]
        for place, (ragged, values) in enumerate(zip(inputs.lists, rest, strict=False)):
            vectors.append(self.pool(place, values, ragged.offsets, vectors[0])[:, None])
        for vector, projection in zip(
            torch.split(inputs.vectors, lengths, 1), rest[len(of_lists) :], strict=True
        ):
            vectors.append((vector @ projection)[:, None])
        joined = torch.cat(vectors, 1) if len(vectors) > 1 else vectors[0]
        return joined, inputs.numbers[:, :, None] * of_numbers


def looked_up(table: Tensor, rows: Tensor) -> Tensor:
    """These `rows` int64 [n] of a `table` [rows, width], [n, width]."""
    if table.is_cuda:
        return functional.embedding(rows, table)
    # A CPU adds this gradient up in a fifth of the time that it takes for `embedding`'s.
    return table.index_select(0, rows)


def means(values: Tensor, offsets: Tensor) -> Tensor:
    """Mean [lists, width] of each list's `values` [total, width]; that of an empty one is 0."""
    if not values.shape[1]:  # embedding_bag knows no empty rows
        return values.new_zeros(len(offsets) - 1, 0)
    every = torch.arange(len(values), device=values.device)
    return functional.embedding_bag(every, values, offsets, mode="mean", include_last_offset=True)

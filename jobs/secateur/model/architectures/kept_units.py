"""What a smaller model keeps of a larger one, and the inputs that it then reads."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from secateur.contracts.models import ModelSpec
from secateur.model.data.inputs import Inputs


@dataclass(frozen=True, eq=False)
class Kept:
    """Places in a larger model, all int64.

    `embedded` are inputs that become embeddings (ids, lists, vectors, in this order), `numbers`
    those that do not, `dimensions` those of every embedding, `neurons` one tensor a hidden layer.
    """

    embedded: Tensor
    numbers: Tensor
    dimensions: Tensor
    neurons: tuple[Tensor, ...]

    def columns(self, dim: int, start: int = 0) -> Tensor:
        """Columns int64 [kept] of embeddings [.., embedded * dim] side by side that stay.

        The first embedding begins at column `start`.
        """
        return (start + self.embedded[:, None] * dim + self.dimensions).flatten()


def places(larger: ModelSpec, names: tuple[str, ...]) -> tuple[Tensor, Tensor]:
    """Places of the inputs of these names among embeddings, int64 [n], and among numbers [m]."""
    wanted = set(names)
    embedded = larger.inputs[: larger.embedding_count]
    return _where(embedded, wanted), _where(larger.numbers, wanted)


def narrow(inputs: Inputs, larger: ModelSpec, smaller: ModelSpec) -> Inputs:
    """The columns of `inputs`, rows [batch, ..] for a larger model, that a smaller one reads."""
    if larger.inputs == smaller.inputs:
        return inputs
    wanted = set(smaller.inputs)
    lengths = [vector.length for vector in larger.vectors]
    of_vectors = zip(larger.vectors, torch.split(inputs.vectors, lengths, 1), strict=True)
    return Inputs(
        ids=inputs.ids[:, _where(larger.fields, wanted)],
        numbers=inputs.numbers[:, _where(larger.numbers, wanted)],
        vectors=torch.cat(
            [inputs.vectors[:, :0], *(found for v, found in of_vectors if v.name in wanted)], 1
        ),
        lists=tuple(inputs.lists[i] for i in _where([x.name for x in larger.lists], wanted)),
    )


def _where(names: Sequence[str], wanted: set[str]) -> Tensor:
    return torch.tensor([i for i, name in enumerate(names) if name in wanted], dtype=torch.int64)

"""What an input of a factorization machine is coupled to: it meets every other in pairs."""

from typing import TypeVar

from torch import Tensor

from secateur.model.architectures.factorization_machine.network import FactorizationMachine
from secateur.model.architectures.logistic_regression.prunable_groups import FirstOrderGroups

AnyMachine = TypeVar("AnyMachine", bound=FactorizationMachine)


class PairGroups(FirstOrderGroups[AnyMachine]):
    """A constant input is part of the first-order weights of all others."""

    def absorb(self, place: int, embedding: Tensor, weight: Tensor) -> None:
        """What the `embedding` [dim] adds in pairs with others goes into their first order."""
        super().absorb(place, embedding, weight)
        self.model.first_order.weight += (self.model.embedding.weight @ embedding)[:, None]

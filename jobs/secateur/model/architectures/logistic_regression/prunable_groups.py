"""What an input of a logistic regression is coupled to: its weights alone."""

from typing import TypeVar

from torch import Tensor

from secateur.model.architectures.logistic_regression.network import LogisticRegression
from secateur.model.architectures.prunable_groups import PrunableGroups

AnyLinear = TypeVar("AnyLinear", bound=LogisticRegression)


class FirstOrderGroups(PrunableGroups[AnyLinear]):
    """A constant input is a bias."""

    def absorb(self, place: int, embedding: Tensor, weight: Tensor) -> None:
        """The bias takes the first-order `weight` [1] in; towers read the `embedding` [dim]."""
        super().absorb(place, embedding, weight)
        self.model.bias.add_(weight.sum())

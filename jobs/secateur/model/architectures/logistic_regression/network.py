"""Logistic regression on every input: what each other architecture must beat."""

from typing import Any

from torch import Tensor

from secateur.model.architectures.logistic_regression.spec import FirstOrderShapes
from secateur.model.architectures.recommender import Embedded, Recommender
from secateur.model.architectures.shapes import Shapes


class LogisticRegression(Recommender):
    """Score = bias + first order."""

    shapes: Shapes[Any, Any] = FirstOrderShapes()

    def score(self, embedded: Embedded) -> Tensor:
        """Logits [batch, 1] of embedded inputs."""
        return self.bias + embedded.first_order.sum(dim=1)

"""Factorization machine (Rendle, ICDM 2010): every pair of inputs meets in its embeddings."""

from typing import Any

from torch import Tensor

from secateur.model.architectures.factorization_machine.spec import PairShapes
from secateur.model.architectures.logistic_regression.network import LogisticRegression
from secateur.model.architectures.recommender import Embedded
from secateur.model.architectures.shapes import Shapes


class FactorizationMachine(LogisticRegression):
    """Score = bias + first order + pairwise interactions."""

    shapes: Shapes[Any, Any] = PairShapes()

    def score(self, embedded: Embedded) -> Tensor:
        """Logits [batch, 1] of embedded inputs."""
        return super().score(embedded) + interactions(embedded.factors)[:, None]


def interactions(factors: Tensor) -> Tensor:
    """Sum over pairs of [batch, factors, dim] of dot products [batch], in linear time.

    Rendle 2010, equation 5.
    """
    square_of_sum = factors.sum(dim=1).square()
    sum_of_squares = factors.square().sum(dim=1)
    return 0.5 * (square_of_sum - sum_of_squares).sum(dim=1)

"""Logistic regression on every input: what each other architecture must beat."""

from torch import Tensor

from secateur.model.architectures.recommender import Embedded, Recommender


class LogisticRegression(Recommender):
    """Score = bias + first order."""

    def score(self, embedded: Embedded) -> Tensor:
        """Logits [batch, 1] of embedded inputs."""
        return self.bias + embedded.first_order.sum(dim=1)

    def absorb(self, place: int, embedding: Tensor, weight: Tensor) -> None:
        """The bias takes the first-order weight in."""
        super().absorb(place, embedding, weight)
        self.bias.add_(weight.sum())

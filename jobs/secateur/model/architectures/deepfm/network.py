"""DeepFM (Guo et al., IJCAI 2017): a factorization machine and a tower over shared embeddings."""

from typing import Any

from torch import Tensor

from secateur.model.architectures.factorization_machine.network import FactorizationMachine
from secateur.model.architectures.recommender import Embedded
from secateur.model.architectures.shapes import Shapes


class DeepFM(FactorizationMachine):
    """Score = bias + first order + pairwise interactions + tower."""

    shapes: Shapes[Any, Any] = Shapes()

    def score(self, embedded: Embedded) -> Tensor:
        """Logits [batch, 1 + tasks] of embedded inputs; tasks have the tower's part alone."""
        tower: Tensor = self.tower(embedded.flat)
        return self.with_own(tower, super().score(embedded))

"""DeepFM (Guo et al., IJCAI 2017): a factorization machine and a tower over shared embeddings."""

from torch import Tensor

from secateur.model.architectures.factorization_machine.network import FactorizationMachine
from secateur.model.architectures.recommender import Embedded


class DeepFM(FactorizationMachine):
    """Score = bias + first order + pairwise interactions + tower.

    Units that pruning may remove, each with what is coupled to it: a tower neuron (its row in one
    Linear, its column in the next), an embedding row (both tables), an embedding dimension (a
    table column and one column a field, a list, a vector in the first Linear).
    """

    def score(self, embedded: Embedded) -> Tensor:
        """Logits [batch, 1 + tasks] of embedded inputs; tasks have the tower's part alone."""
        tower: Tensor = self.tower(embedded.flat)
        return self.with_own(tower, super().score(embedded))

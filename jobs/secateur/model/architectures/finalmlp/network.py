"""FinalMLP (Mao et al., AAAI 2023): two towers over the same embeddings, fused bilinearly."""

import torch
from torch import Tensor, nn

from secateur.contracts.models import ModelSpec
from secateur.model.architectures.finalmlp.spec import TwoTowerShapes
from secateur.model.architectures.recommender import Embedded, Recommender
from secateur.model.architectures.tower import Tower


class FinalMLP(Recommender):
    """Score = bias + tower + second tower + h_1 W h_2, where h are their last hidden neurons.

    Equation 9 with one head; without the paper's gates before the towers, which choose features
    for each. There is no first order.
    """

    shapes = TwoTowerShapes()
    first_orders = 0

    def __init__(self, spec: ModelSpec, dropout: float = 0.0) -> None:
        super().__init__(spec, dropout)
        self.second = Tower(spec.flat_inputs, spec.second, dropout)
        self.fusion = nn.Parameter(torch.empty(spec.hidden[-1], spec.second[-1]))
        nn.init.xavier_normal_(self.fusion)

    @property
    def towers(self) -> tuple[Tower, ...]:
        """Both towers."""
        return self.tower, self.second

    def score(self, embedded: Embedded) -> Tensor:
        """Logits [batch, 1 + tasks] of embedded inputs; tasks have the first tower's part alone."""
        first = self.tower.last_hidden(embedded.flat)
        of_first = self.tower.output(first)
        second = self.second.last_hidden(embedded.flat)
        of_second = self.second.output(second)
        # A logit rounded to bfloat16 keeps three digits: see `Tower.output`.
        with torch.autocast(first.device.type, enabled=False):
            kind = self.fusion.dtype
            fused = ((first.to(kind) @ self.fusion) * second.to(kind)).sum(1, keepdim=True)
        return self.with_own(of_first, self.bias + of_second + fused)

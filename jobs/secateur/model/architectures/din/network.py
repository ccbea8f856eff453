"""DIN (Zhou et al., KDD 2018): what of a user's history counts depends on the item to be scored."""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from secateur.contracts.models import ModelSpec
from secateur.model.architectures.din.spec import AttentionShapes
from secateur.model.architectures.recommender import Embedded, Recommender
from secateur.model.architectures.tower import Tower


class DIN(Recommender):
    """Score = bias + tower, over embeddings in which histories are pooled by attention.

    A list that shares a field's vocabulary becomes the sum of a(v, t) v over its values v, where t
    is that field's embedding (equation 3): the weights are not normalised. The activation unit `a`
    is a perceptron over [v, t, v - t, v * t], here with ReLU, one a list. Other lists are means.
    There is no first order.
    """

    shapes = AttentionShapes()
    first_orders = 0

    def __init__(self, spec: ModelSpec, dropout: float = 0.0) -> None:
        super().__init__(spec, dropout)
        attended = sum(target is not None for target in spec.targets)
        width, hidden = 4 * spec.embedding_dim, self.shapes.own(spec).attention
        self.units = nn.ModuleList(Tower(width, hidden) for _ in range(attended))

    def score(self, embedded: Embedded) -> Tensor:
        """Logits [batch, 1 + tasks] of embedded inputs."""
        tower: Tensor = self.tower(embedded.flat)
        return self.with_own(tower, self.bias)

    def pool(self, place: int, values: Tensor, offsets: Tensor, of_ids: Tensor) -> Tensor:
        """One row [batch, dim] a list: by attention, where it shares the vocabulary of a field."""
        target = self.spec.targets[place]
        if target is None or not values.shape[1]:
            return super().pool(place, values, offsets, of_ids)
        rows = torch.repeat_interleave(offsets.diff(), output_size=len(values))
        wanted = of_ids[rows, target]
        pairs = torch.cat([values, wanted, values - wanted, values * wanted], 1)
        weights = self.unit(place)(pairs)[:, 0]
        every = torch.arange(len(values), device=values.device)
        return functional.embedding_bag(
            every,
            values,
            offsets,
            mode="sum",
            per_sample_weights=weights.to(values.dtype),
            include_last_offset=True,
        )

    def unit(self, place: int) -> Tower:
        """The activation unit of the list at this place, which has one."""
        before = sum(target is not None for target in self.spec.targets[:place])
        return cast("Tower", self.units[before])

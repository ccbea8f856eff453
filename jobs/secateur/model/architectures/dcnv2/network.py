"""DCN-V2 (Wang et al., WWW 2021): a cross network beside a tower, over the same embeddings."""

from torch import Tensor, nn

from secateur.contracts.models import ModelSpec
from secateur.model.architectures.dcnv2.spec import CrossShapes
from secateur.model.architectures.recommender import Embedded, Recommender


class DCNv2(Recommender):
    """Score = bias + last cross layer, weighted + tower: the paper's parallel structure.

    x_{l+1} = x_0 * (W_l x_l + b_l) + x_l (equation 1), W of full rank, where x_0 is what the tower
    reads. There is no first order.
    """

    shapes = CrossShapes()
    first_orders = 0

    def __init__(self, spec: ModelSpec, dropout: float = 0.0) -> None:
        super().__init__(spec, dropout)
        width = spec.flat_inputs
        layers = self.shapes.own(spec).cross_layers
        self.cross = nn.ModuleList(nn.Linear(width, width) for _ in range(layers))
        self.cross_output = nn.Linear(width, 1, bias=False)

    def score(self, embedded: Embedded) -> Tensor:
        """Logits [batch, 1 + tasks] of embedded inputs; tasks have the tower's part alone."""
        of_cross: Tensor = self.cross_output(self.last_cross_layer(embedded.flat))
        of_tower: Tensor = self.tower(embedded.flat)
        return self.with_own(of_tower, self.bias + of_cross)

    def last_cross_layer(self, first: Tensor) -> Tensor:
        """The last cross layer of `first`, float [batch, flat_inputs] both."""
        crossed = first
        for layer in self.cross:
            crossed = first * layer(crossed) + crossed
        return crossed

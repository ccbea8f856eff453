"""DCN-V2 (Wang et al., WWW 2021): a cross network beside a tower, over the same embeddings."""

from torch import Tensor, nn

from secateur.contracts.models import ModelSpec
from secateur.model.architectures.kept_units import Kept
from secateur.model.architectures.recommender import Embedded, Recommender
from secateur.model.architectures.tower import linears_of


class DCNv2(Recommender):
    """Score = bias + last cross layer, weighted + tower: the paper's parallel structure.

    x_{l+1} = x_0 * (W_l x_l + b_l) + x_l (equation 1), W of full rank, where x_0 is what the tower
    reads. There is no first order. An embedding dimension is coupled to one row and one column a
    field, a list, a vector of every W: where x_0 is 0, every x_l is.
    """

    first_orders = 0

    def __init__(self, spec: ModelSpec, dropout: float = 0.0) -> None:
        super().__init__(spec, dropout)
        width = spec.tower_inputs
        self.cross = nn.ModuleList(nn.Linear(width, width) for _ in range(spec.cross_layers))
        self.cross_output = nn.Linear(width, 1, bias=False)

    def take_over(self, larger: Recommender, kept: Kept) -> None:
        """Where x_0 is 0 in a column, every layer's output is: column and row go together."""
        assert isinstance(larger, DCNv2)  # noqa: S101 - of one architecture
        columns = larger.tower_columns(kept)
        for old, new in zip(linears_of(larger.cross), linears_of(self.cross), strict=True):
            new.weight.copy_(old.weight[columns][:, columns])
            new.bias.copy_(old.bias[columns])
        self.cross_output.weight.copy_(larger.cross_output.weight[:, columns])

    def score(self, embedded: Embedded) -> Tensor:
        """Logits [batch, 1 + tasks] of embedded inputs; tasks have the tower's part alone."""
        first = embedded.flat
        crossed = first
        for layer in self.cross:
            crossed = first * layer(crossed) + crossed
        of_cross: Tensor = self.cross_output(crossed)
        of_tower: Tensor = self.tower(first)
        return self.with_own(of_tower, self.bias + of_cross)

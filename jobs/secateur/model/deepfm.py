"""DeepFM (Guo et al., IJCAI 2017): a factorization machine and a tower over shared embeddings."""

import itertools

import torch
from torch import Tensor, nn

from secateur.contracts.features import FeatureSchema
from secateur.contracts.models import ModelSpec
from secateur.scenario import Training


class DeepFM(nn.Module):
    """Score = bias + first order + pairwise interactions + tower.

    All fields share one table whose block `i` holds field `i`; row `offset[i] + rows[i] - 1` is
    its OOV row. Units that pruning may remove, each with what is coupled to it: a tower neuron
    (its row in one Linear, its column in the next), an embedding row (both tables), an embedding
    dimension (a table column and one column a field in the first Linear).
    """

    offset: Tensor
    oov: Tensor

    def __init__(self, spec: ModelSpec, dropout: float = 0.0) -> None:
        super().__init__()
        self.spec = spec
        rows = torch.tensor(spec.rows)
        self.register_buffer("offset", torch.cumsum(rows, 0) - rows, persistent=False)
        self.register_buffer("oov", rows - 1, persistent=False)
        self.embedding = nn.Embedding(int(rows.sum()), spec.embedding_dim)
        self.first_order = nn.Embedding(int(rows.sum()), 1)
        self.bias = nn.Parameter(torch.zeros(1))
        self.tower = Tower(len(spec.fields) * spec.embedding_dim, spec.hidden, dropout)
        nn.init.normal_(self.embedding.weight, std=0.01)
        nn.init.zeros_(self.first_order.weight)

    def forward(self, ids: Tensor) -> Tensor:
        """Logits [batch] of feature ids [batch, fields]."""
        rows = self.rows_of(ids)
        return self.score(self.embedding(rows), self.first_order(rows))

    def rows_of(self, ids: Tensor) -> Tensor:
        """Table rows [batch, fields] of feature ids: ids the table does not hold are OOV."""
        return torch.minimum(ids, self.oov) + self.offset

    def score(self, embedded: Tensor, first_order: Tensor) -> Tensor:
        """Logits [batch] of embeddings [batch, fields, dim] and weights [batch, fields, 1]."""
        linear = first_order.sum(dim=(1, 2))
        tower: Tensor = self.tower(embedded.flatten(1))
        return self.bias + linear + interactions(embedded) + tower


def new_deepfm(schema: FeatureSchema, training: Training, seed: int) -> DeepFM:
    """An untrained model with a table row for every id of the schema, its weights drawn by `seed`.

    torch's global random state is as it was before.
    """
    fields = schema.fields
    names, rows = tuple(f.name for f in fields), tuple(f.size for f in fields)
    spec = ModelSpec("deepfm", names, rows, training.embedding_dim, training.hidden)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return DeepFM(spec, training.dropout)


def interactions(embedded: Tensor) -> Tensor:
    """Sum over field pairs of their dot products [batch], in linear time (Rendle 2010, eq. 5)."""
    square_of_sum = embedded.sum(dim=1).square()
    sum_of_squares = embedded.square().sum(dim=1)
    return 0.5 * (square_of_sum - sum_of_squares).sum(dim=1)


class Tower(nn.Module):
    """Hidden layers of Linear and ReLU, then one output. `layers` holds every Linear in order."""

    def __init__(self, inputs: int, hidden: tuple[int, ...], dropout: float = 0.0) -> None:
        super().__init__()
        widths = (inputs, *hidden, 1)
        self.layers = nn.ModuleList(
            nn.Linear(before, after) for before, after in itertools.pairwise(widths)
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Outputs [batch] of inputs [batch, features]."""
        *hidden, output = self.layers
        for layer in hidden:
            x = self.dropout(torch.relu(layer(x)))
        logits: Tensor = output(x)
        return logits.squeeze(1)

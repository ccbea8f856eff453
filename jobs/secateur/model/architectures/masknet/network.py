"""MaskNet (Wang et al., DLP-KDD 2021, arXiv:2102.07619): inputs times masks made of them."""

from typing import cast

import torch
from torch import Tensor, nn

from secateur.contracts.models import ModelSpec
from secateur.model.architectures.masknet.spec import MaskShapes
from secateur.model.architectures.recommender import Embedded, Recommender
from secateur.model.architectures.tower import Tower, linears_of


class MaskNet(Recommender):
    """Score = bias + tower over [block_1, .., block_n]: the paper's parallel structure.

    block = relu(layer_norm(W (mask(x) * x))), where x are all inputs side by side and the
    instance-guided mask is a perceptron of one wider hidden layer, the aggregation (equations 6,
    9, 10). The paper normalises embeddings too; the published settings for Frappe do not (BARS,
    `MaskNet_frappe_x1_028_015da53e`: test AUC 0.9837). There is no first order.
    """

    shapes = MaskShapes()
    first_orders = 0

    def __init__(self, spec: ModelSpec, dropout: float = 0.0) -> None:
        super().__init__(spec, dropout)
        flat, width = spec.flat_inputs, self.shapes.own(spec).block_width
        self.masks = nn.ModuleList(Tower(flat, (wide,), outputs=flat) for wide in spec.second)
        self.blocks = nn.ModuleList(nn.Linear(flat, width, bias=False) for _ in spec.second)
        self.layer_norms = nn.ModuleList(nn.LayerNorm(width) for _ in spec.second)
        self.block_dropout = nn.Dropout(dropout)

    @property
    def towers(self) -> tuple[Tower, ...]:
        """The tower, and every mask."""
        return (self.tower, *cast("list[Tower]", list(self.masks)))

    def score(self, embedded: Embedded) -> Tensor:
        """Logits [batch, 1 + tasks] of embedded inputs."""
        tower: Tensor = self.tower(self.tower_input(embedded))
        return self.with_own(tower, self.bias)

    def tower_input(self, embedded: Embedded) -> Tensor:
        """What all blocks give, [batch, blocks * block_width]."""
        x = embedded.flat
        blocks = [torch.relu(norm(layer(mask(x) * x))) for mask, layer, norm in self.parts()]
        joined: Tensor = self.block_dropout(torch.cat(blocks, 1))
        return joined

    def tower_inputs(self, embedded: Embedded) -> tuple[Tensor, ...]:
        """The blocks for the tower, and all inputs side by side [batch, flat_inputs] for masks."""
        return (self.tower_input(embedded), *(embedded.flat for _ in self.masks))

    def parts(self) -> list[tuple[Tower, nn.Linear, nn.LayerNorm]]:
        """The mask, the layer and the norm of every block."""
        masks, norms = list(self.masks), list(self.layer_norms)
        parts = zip(masks, linears_of(self.blocks), norms, strict=True)
        return cast("list[tuple[Tower, nn.Linear, nn.LayerNorm]]", list(parts))

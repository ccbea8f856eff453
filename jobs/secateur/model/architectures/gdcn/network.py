"""GDCN (Wang et al., CIKM 2023, arXiv:2311.04635): a gated cross network beside a tower."""

import torch
from torch import Tensor, nn

from secateur.contracts.models import ModelSpec
from secateur.model.architectures.dcnv2.network import DCNv2
from secateur.model.architectures.gdcn.spec import GatedCrossShapes


class GDCN(DCNv2):
    """Score = bias + last gated cross layer, weighted + tower: the paper's parallel GDCN-P.

    c_{l+1} = c_0 * (W_l c_l + b_l) * sigmoid(V_l c_l) + c_l (equation 1): the gate amplifies or
    filters what each layer crosses. Both matrices are of full rank; embeddings have one width, not
    the paper's condensed ones (its section 4).
    """

    shapes = GatedCrossShapes()

    def __init__(self, spec: ModelSpec, dropout: float = 0.0) -> None:
        super().__init__(spec, dropout)
        width = spec.flat_inputs
        self.gates = nn.ModuleList(
            nn.Linear(width, width, bias=False) for _ in range(self.shapes.own(spec).cross_layers)
        )

    def last_cross_layer(self, first: Tensor) -> Tensor:
        """The last gated cross layer of `first`, float [batch, flat_inputs] both."""
        crossed = first
        for layer, gate in zip(self.cross, self.gates, strict=True):
            crossed = first * layer(crossed) * torch.sigmoid(gate(crossed)) + crossed
        return crossed

"""The multi-layer perceptron over what a row of inputs becomes."""

import itertools
from typing import cast

import torch
from torch import Tensor, nn

from secateur.model.architectures.batch_norm import BatchNorm


def linears_of(layers: nn.ModuleList) -> list[nn.Linear]:
    """The layers as what they are."""
    return cast("list[nn.Linear]", list(layers))


class Tower(nn.Module):
    """Hidden layers of Linear and ReLU, then the outputs. `layers` holds every Linear in order.

    Without hidden layers there is no tower: it has no weights and is not to be called.
    """

    def __init__(
        self, inputs: int, hidden: tuple[int, ...], dropout: float = 0.0, outputs: int = 1
    ) -> None:
        super().__init__()
        widths = (inputs, *hidden, outputs) if hidden else ()
        self.layers = nn.ModuleList(
            nn.Linear(before, after) for before, after in itertools.pairwise(widths)
        )
        self.norms = nn.ModuleList(nn.Identity() for _ in hidden)
        self.activations = nn.ModuleList(nn.ReLU() for _ in hidden)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Outputs [batch, outputs] of inputs [batch, features]."""
        return self.output(self.last_hidden(x))

    def last_hidden(self, x: Tensor) -> Tensor:
        """What the last hidden layer's neurons give, [batch, width]."""
        for layer, norm, activate in zip(self._hidden, self.norms, self.activations, strict=True):
            x = self.dropout(activate(norm(layer(x))))
        return x

    def output(self, x: Tensor) -> Tensor:
        """Outputs [batch, outputs] of the last hidden layer's."""
        output = self.layers[-1]
        # A logit rounded to bfloat16 keeps three digits, and the last product is small.
        with torch.autocast(x.device.type, enabled=False):
            logits: Tensor = output(x.to(next(output.parameters()).dtype))
        return logits

    def normalize(self) -> None:
        """Normalise every hidden neuron by batch, until `fold`. A layer's bias has no say then."""
        for i, layer in enumerate(self._hidden):
            self.norms[i] = BatchNorm(layer.out_features)
            nn.init.zeros_(layer.bias).requires_grad_(False)

    def fold(self) -> None:
        """Take normalisation into the layers, if there is any: the same scores in evaluation."""
        for i, layer in enumerate(self._hidden):
            norm = self.norms[i]
            if isinstance(norm, BatchNorm):
                norm.fold_into(layer)
                layer.bias.requires_grad_(True)
                self.norms[i] = nn.Identity()

    @property
    def _hidden(self) -> list[nn.Linear]:
        return linears_of(self.layers[:-1])

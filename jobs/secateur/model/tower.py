"""The multi-layer perceptron over what a row of inputs becomes."""

import itertools

import torch
from torch import Tensor, nn


class Tower(nn.Module):
    """Hidden layers of Linear and ReLU, then one output. `layers` holds every Linear in order.

    Without hidden layers there is no tower: it has no weights and is not to be called.
    """

    def __init__(self, inputs: int, hidden: tuple[int, ...], dropout: float = 0.0) -> None:
        super().__init__()
        widths = (inputs, *hidden, 1) if hidden else ()
        self.layers = nn.ModuleList(
            nn.Linear(before, after) for before, after in itertools.pairwise(widths)
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Outputs [batch] of inputs [batch, features]."""
        *hidden, output = self.layers
        for layer in hidden:
            x = self.dropout(torch.relu(layer(x)))
        # A logit rounded to bfloat16 keeps three digits, and the last product is small.
        with torch.autocast(x.device.type, enabled=False):
            logits: Tensor = output(x.to(next(output.parameters()).dtype))
        return logits.squeeze(1)

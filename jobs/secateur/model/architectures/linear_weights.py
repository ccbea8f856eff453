"""The weights of torch layers, as a package's graph takes them."""

from dataclasses import replace

import numpy as np
from torch import Tensor, nn

from secateur.model.architectures.tower import Tower
from secateur.onnx_graph.linear_layers import FloatLinear, Floats


def array_of(tensor: Tensor) -> Floats:
    """A tensor's values, float32 of the same shape."""
    values: Floats = tensor.detach().numpy().astype(np.float32)
    return values


def linear_weights(layer: nn.Module) -> FloatLinear:
    """Weights [inputs, outputs] of a Linear, and its bias [outputs], of zeros where it has none."""
    parameters = dict(layer.named_parameters())
    weight = array_of(parameters["weight"]).T
    bias = parameters.get("bias")
    return FloatLinear(
        weight, np.zeros(weight.shape[1], np.float32) if bias is None else array_of(bias)
    )


def hidden_and_output(
    tower: Tower, bias: Floats | None = None
) -> tuple[list[FloatLinear], FloatLinear]:
    """A tower's hidden layers and its last one, with `bias` [1] added to its first output.

    Without a tower the last layer is that bias alone.
    """
    own = np.zeros(1, np.float32) if bias is None else bias
    layers = [linear_weights(layer) for layer in tower.layers]
    if not layers:
        return [], FloatLinear(np.zeros((0, 1), np.float32), own)
    *hidden, output = layers
    return hidden, replace(output, bias=np.append(output.bias[:1] + own, output.bias[1:]))

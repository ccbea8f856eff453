"""Linear layers of a graph: as floats, or as integers with one scale an output.

Integer weights stay within +-63: two products of uint8 and 7-bit weights fit the 16-bit sums of
processors without VNNI, which would saturate at 8 bits, so every machine computes the same
integers.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from secateur.onnx_graph.graph import Graph, Value
from secateur.onnx_graph.weight_sharing import share_weights

Floats = NDArray[np.float32]

WEIGHT_LIMIT = 63
SMALL = 64 * 64  # weights of a layer that is no faster in integers than in float, and less exact


@dataclass(frozen=True)
class FloatLinear:
    """Weights float32 [inputs, outputs] and bias float32 [outputs]."""

    weight: Floats
    bias: Floats


@dataclass(frozen=True)
class IntegerLinear:
    """Weights int8 [inputs, outputs], of which one is worth `scale` float32 [outputs].

    The bias float32 [outputs] is not quantized.
    """

    weight: NDArray[np.int8]
    scale: Floats
    bias: Floats

    @property
    def small(self) -> bool:
        """Whether it is multiplied in float: measured, the calls of integer products cost more."""
        return self.weight.size <= SMALL


Linear = FloatLinear | IntegerLinear


def quantize_linear(weight: Floats, bias: Floats) -> IntegerLinear:
    """Quantize weights [inputs, outputs] symmetrically, one scale an output [outputs]."""
    largest = np.abs(weight).max(axis=0, initial=0)
    scale = np.where(largest > 0, largest / WEIGHT_LIMIT, 1.0).astype(np.float32)
    units = np.clip(np.rint(weight / scale), -WEIGHT_LIMIT, WEIGHT_LIMIT)
    return IntegerLinear(units.astype(np.int8), scale, bias)


def at_bits(layers: Iterable[FloatLinear], bits: int) -> tuple[Linear, ...]:
    """Layers as they are stored: floats at 32 bits, else integers of 2 ** `bits` values a layer."""
    if bits == 32:
        return tuple(layers)
    integers = (quantize_linear(layer.weight, layer.bias) for layer in layers)
    return tuple(replace(one, weight=share_weights(one.weight, 1 << bits)) for one in integers)


def linear(graph: Graph, x: Value, layer: Linear) -> Value:
    """Outputs [batch, outputs] of `x` [batch, inputs], computed in float."""
    return graph.op("Gemm", x, float_weight(graph, layer), graph.constant(layer.bias))


def relu_layers(graph: Graph, x: Value, layers: Sequence[Linear]) -> Value:
    """What hidden layers with ReLU make of `x` [batch, inputs], in float; `x` without layers."""
    for layer in layers:
        x = graph.op("Relu", linear(graph, x, layer))
    return x


def float_weight(graph: Graph, layer: Linear) -> Value:
    """Weights [inputs, outputs] in float; integers become so when a runtime loads the graph."""
    weight = graph.constant(layer.weight)
    if isinstance(layer, FloatLinear):
        return weight
    return graph.op("Mul", graph.cast(weight, np.float32), graph.constant(layer.scale))

"""Integer products, as standard operators that a runtime makes one of its own of.

A product of integers is written as ONNX means it to be: both sides through DequantizeLinear, then
MatMul or Gemm. onnxruntime replaces these by one operator that multiplies the integers and scales
the sums (MatMulIntegerToFloat, QGemm); MatMulInteger, Cast, Mul, Add and QuantizeLinear as nodes of
their own take longer than the product itself. Any other runtime computes the same in float.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from secateur.onnx_graph.graph import Graph, Value
from secateur.onnx_graph.linear_layers import Floats, IntegerLinear

LARGEST_BIAS = 1 << 30


@dataclass(frozen=True)
class Quantized:
    """Integers [batch, inputs], of which `zero` stands for 0 and one unit for `step`, scalars."""

    values: Value
    step: Value
    zero: Value

    def dequantize(self, graph: Graph) -> Value:
        """The floats that the integers stand for, of the same shape."""
        return graph.op("DequantizeLinear", self.values, self.step, self.zero)


def integer_product(graph: Graph, x: Quantized, matrix: Value, scale: Floats) -> Value:
    """Float [batch, outputs] of `x` [batch, inputs] and an int8 matrix [inputs, outputs].

    One of the matrix's units is worth `scale` float32 [outputs].
    """
    weight = graph.op("DequantizeLinear", matrix, graph.constant(scale), axis=1)
    return graph.op("MatMul", x.dequantize(graph), weight)


def few_integers_product(graph: Graph, x: Quantized, matrix: Value, scale: Floats) -> Value:
    """The same for `x` [1, inputs]: in floats, whose whole numbers and sums are exact up to 2**24.

    A product of integers takes longer than that to begin with.
    """
    product = graph.op("MatMul", x.dequantize(graph), graph.cast(matrix, np.float32))
    return graph.op("Mul", product, graph.constant(scale))


def integer_layer(graph: Graph, x: Value, layer: IntegerLinear, step: float) -> Value:
    """Outputs [batch, outputs] of pre-activations `x` [batch, inputs], by integer products.

    Activations are 0..255 times `step`. Quantizing to uint8 with zero at 0 cuts negatives off: it
    is the ReLU.
    """
    unit, zero = graph.constant(np.float32(step)), graph.constant(np.uint8(0))
    active = Quantized(graph.op("QuantizeLinear", x, unit, zero), unit, zero)
    weight, scale, bias = in_units(layer, step)
    weights = graph.op(
        "DequantizeLinear",
        graph.constant(weight),
        graph.constant(scale),
        graph.constant(np.zeros(len(scale), np.int8)),  # spelled out: QGemm wants it
        axis=1,
    )
    units = graph.constant(scale * np.float32(step))
    biases = graph.op("DequantizeLinear", graph.constant(bias), units, axis=0)
    return graph.op("Gemm", active.dequantize(graph), weights, biases)


def in_units(
    layer: IntegerLinear, step: float
) -> tuple[NDArray[np.int8], Floats, NDArray[np.int32]]:
    """Weights [inputs, outputs], their scale [outputs], and the bias [outputs] in `scale * step`.

    An output whose bias has too many units, as it is where all weights are zero, gets larger ones.
    """
    given = np.where(layer.weight.any(axis=0), layer.scale, 0).astype(np.float64)
    least = np.abs(layer.bias, dtype=np.float64) / step / LARGEST_BIAS
    scale = np.maximum(given, least)
    scale[scale == 0] = 1.0
    weight = np.rint(layer.weight * (given / scale)).astype(np.int8)
    bias = np.rint(layer.bias / (scale * step)).astype(np.int32)
    return weight, scale.astype(np.float32), bias

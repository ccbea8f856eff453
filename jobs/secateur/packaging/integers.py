"""The graph's integer products, as standard operators that a runtime makes one of its own of.

A product of integers is written as ONNX means it to be: both sides through DequantizeLinear, then
MatMul or Gemm. onnxruntime replaces these by one operator that multiplies the integers and scales
the sums (MatMulIntegerToFloat, QGemm); MatMulInteger, Cast, Mul, Add and QuantizeLinear as nodes of
their own take longer than the product itself. Any other runtime computes the same in float.
"""

import numpy as np
from onnx import TensorProto

from secateur.packaging.nodes import Graph
from secateur.packaging.quantization import Floats, IntegerLinear, Integers

LARGEST_BIAS = 1 << 30


def integer_product(graph: Graph, x: list[str], matrix: str, worth: str, name: str) -> str:
    """Float [batch, outputs] of integers and an int8 matrix [inputs, outputs] `worth` [outputs].

    `x` are the inputs of a DequantizeLinear: integers, the worth of one, the zero.
    """
    graph.node("DequantizeLinear", x, f"{name}_x")
    graph.node("DequantizeLinear", [matrix, worth], f"{name}_matrix", axis=1)
    return graph.node("MatMul", [f"{name}_x", f"{name}_matrix"], name)


def few_integers_product(graph: Graph, x: list[str], matrix: str, worth: str, name: str) -> str:
    """The same for one row: in floats, whose whole numbers and sums are exact up to 2**24.

    What a product of integers takes to begin with is longer than that.
    """
    graph.node("DequantizeLinear", x, f"{name}_x")
    graph.node("Cast", [matrix], f"{name}_matrix", to=TensorProto.FLOAT)
    graph.node("MatMul", [f"{name}_x", f"{name}_matrix"], f"{name}_count")
    return graph.node("Mul", [f"{name}_count", worth], name)


def integer_layer(graph: Graph, x: str, layer: IntegerLinear, step: float, i: int) -> str:
    """Layer `i` of pre-activations `x`, whose activations are 0..255 times `step`.

    Quantizing to uint8 with zero at 0 cuts negatives off: it is the ReLU.
    """
    zero = graph.constant(f"hidden_zero_{i}", np.uint8(0))
    activation = [graph.constant(f"step_{i}", np.float32(step)), zero]
    graph.node("QuantizeLinear", [x, *activation], f"hidden_{i}")
    graph.node("DequantizeLinear", [f"hidden_{i}", *activation], f"active_{i}")
    weight, scale, bias = in_units(layer, step)
    zeros = np.zeros(len(scale), np.int8)
    constants = {"weight": weight, "scale": scale, "weight_zero": zeros}
    names = [graph.constant(f"{kind}_{i}", value) for kind, value in constants.items()]
    graph.node("DequantizeLinear", names, f"weights_{i}", axis=1)
    unit = graph.constant(f"unit_{i}", scale * np.float32(step))
    graph.node("DequantizeLinear", [graph.constant(f"bias_{i}", bias), unit], f"biases_{i}", axis=0)
    return graph.node("Gemm", [f"active_{i}", f"weights_{i}", f"biases_{i}"], f"tower_{i}")


def in_units(layer: IntegerLinear, step: float) -> tuple[np.ndarray, Floats, Integers]:
    """Weights, their scale and the bias as int32, of which one is worth `scale * step`.

    An output whose bias has too many units, as it is where all weights are zero, gets larger ones.
    """
    given = np.where(layer.weight.any(axis=0), layer.scale, 0).astype(np.float64)
    least = np.abs(layer.bias, dtype=np.float64) / step / LARGEST_BIAS
    scale = np.maximum(given, least)
    scale[scale == 0] = 1.0
    weight = np.rint(layer.weight * (given / scale)).astype(np.int8)
    bias = np.rint(layer.bias / (scale * step)).astype(np.int32)
    return weight, scale.astype(np.float32), bias

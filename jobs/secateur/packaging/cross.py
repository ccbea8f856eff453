"""The graph's part for a cross network (DCN-V2): its output [batch, 1], computed in float.

x_0 are the embeddings of all inputs and the numbers; each layer is x_0 * (W x + b) + x.
"""

import numpy as np
from onnx import TensorProto

from secateur.packaging.beside import ROWS
from secateur.packaging.nodes import Graph
from secateur.packaging.parts import Cross, Parts
from secateur.packaging.quantization import FloatLinear, IntegerLinear
from secateur.serving import layout
from secateur.serving.tables import ZERO


def add_cross(graph: Graph, parts: Parts, cross: Cross, rows: str) -> str:
    """Output of the cross network [batch, 1]; `rows` are the flat stored rows of ids."""
    first = x = _first(graph, parts, rows)
    for i, layer in enumerate(cross.layers):
        weight = _weight(graph, layer, f"cross{i}_weight")
        bias = graph.constant(f"cross{i}_bias", layer.bias)
        graph.node("Gemm", [x, weight, bias], f"cross{i}_linear")
        graph.node("Mul", [first, f"cross{i}_linear"], f"cross{i}_product")
        x = graph.node("Add", [f"cross{i}_product", x], f"cross{i}")
    return graph.node("MatMul", [x, graph.constant("cross_output", cross.output)], "crossed")


def _first(graph: Graph, parts: Parts, rows: str) -> str:
    """x_0 [batch, tower inputs]."""
    units = parts.table.units[: parts.fields]
    if parts.table.rows.dtype == np.uint8:
        graph.constant("cross_one", np.float32(1))
        graph.constant("cross_zero", np.uint8(ZERO))
        graph.node("DequantizeLinear", [rows, "cross_one", "cross_zero"], "cross_units")
        worth = graph.constant("cross_worth", units.reshape(-1))
        rows = graph.node("Mul", ["cross_units", worth], "cross_rows")
    columns = [_embeddings(graph, rows, *units.shape)]
    if parts.beside.rows:
        columns.append(_embeddings(graph, ROWS, parts.beside.rows, units.shape[1]))
    if len(parts.beside.numbers):
        columns.append(layout.NUMBERS)
    return graph.node("Concat", columns, "cross_first", axis=1)


def _embeddings(graph: Graph, flat: str, rows: int, width: int) -> str:
    """From rows (e_1 .. e_dim, w), flat [batch, rows * width], the e alone, flat."""
    graph.node("Reshape", [flat, graph.integers(f"{flat}_shape", -1, rows, width)], f"{flat}_cube")
    bounds = [graph.integers(f"{flat}_{n}", v) for n, v in (("from", 0), ("to", -1), ("axis", 2))]
    graph.node("Slice", [f"{flat}_cube", *bounds], f"{flat}_sliced")
    shape = graph.integers(f"{flat}_flat", -1, rows * (width - 1))
    return graph.node("Reshape", [f"{flat}_sliced", shape], f"{flat}_embeddings")


def _weight(graph: Graph, layer: FloatLinear | IntegerLinear, name: str) -> str:
    """A layer's weights in float; integers become so when a runtime loads the graph."""
    if isinstance(layer, FloatLinear):
        return graph.constant(name, layer.weight)
    graph.constant(f"{name}_integer", layer.weight)
    graph.node("Cast", [f"{name}_integer"], f"{name}_count", to=TensorProto.FLOAT)
    scale = graph.constant(f"{name}_scale", layer.scale)
    return graph.node("Mul", [f"{name}_count", scale], name)

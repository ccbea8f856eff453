"""The graph's part for architectures that read embeddings themselves: all of them, in float."""

import numpy as np
from onnx import TensorProto

from secateur.packaging.beside import ROWS
from secateur.packaging.nodes import Graph
from secateur.packaging.parts import Parts
from secateur.packaging.quantization import FloatLinear, IntegerLinear
from secateur.serving.files.row_codes import ZERO


def add_embeddings(graph: Graph, parts: Parts, rows: str) -> str:
    """[batch, embedded * dim]; `rows` are the flat stored rows of ids, `ROWS` all others."""
    units = parts.table.units[: parts.fields]
    if parts.table.rows.dtype == np.uint8:
        graph.constant("stored_one", np.float32(1))
        graph.constant("stored_zero", np.uint8(ZERO))
        graph.node("DequantizeLinear", [rows, "stored_one", "stored_zero"], "stored_units")
        worth = graph.constant("stored_worth", units.reshape(-1))
        rows = graph.node("Mul", ["stored_units", worth], "stored_rows")
    columns = [_embeddings(graph, rows, *units.shape)]
    if parts.beside.rows:
        columns.append(_embeddings(graph, ROWS, parts.beside.rows, units.shape[1]))
    return graph.node("Concat", columns, "all_embeddings", axis=1)


def _embeddings(graph: Graph, flat: str, rows: int, width: int) -> str:
    """From rows (e_1 .. e_dim, w), flat [batch, rows * width], the e alone, flat."""
    graph.node("Reshape", [flat, graph.integers(f"{flat}_shape", -1, rows, width)], f"{flat}_cube")
    bounds = [graph.integers(f"{flat}_{n}", v) for n, v in (("from", 0), ("to", -1), ("axis", 2))]
    graph.node("Slice", [f"{flat}_cube", *bounds], f"{flat}_sliced")
    shape = graph.integers(f"{flat}_flat", -1, rows * (width - 1))
    return graph.node("Reshape", [f"{flat}_sliced", shape], f"{flat}_embeddings")


def float_linear(graph: Graph, x: str, layer: FloatLinear | IntegerLinear, name: str) -> str:
    """A layer's outputs, computed in float."""
    weight = float_weight(graph, layer, f"{name}_weight")
    return graph.node("Gemm", [x, weight, graph.constant(f"{name}_bias", layer.bias)], name)


def float_weight(graph: Graph, layer: FloatLinear | IntegerLinear, name: str) -> str:
    """A layer's weights in float; integers become so when a runtime loads the graph."""
    if isinstance(layer, FloatLinear):
        return graph.constant(name, layer.weight)
    graph.constant(f"{name}_integer", layer.weight)
    graph.node("Cast", [f"{name}_integer"], f"{name}_count", to=TensorProto.FLOAT)
    scale = graph.constant(f"{name}_scale", layer.scale)
    return graph.node("Mul", [f"{name}_count", scale], name)

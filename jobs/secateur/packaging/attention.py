"""The graph's part for an activation unit (DIN): a list's row, its values weighed by a field's.

    weight = perceptron([v, t, v - t, v * t])     for each value v of the list, t the field's
    row    = (sum of weight v, 0)

All of it is float. Padding weighs nothing.
"""

import numpy as np

from secateur.packaging.nodes import Graph
from secateur.packaging.parts import Parts, Unit
from secateur.packaging.quantization import FloatLinear, Floats
from secateur.packaging.sides import stored_rows
from secateur.serving.files import layout
from secateur.serving.files.row_codes import ZERO


def attended_row(graph: Graph, parts: Parts, unit: Unit, values: str, name: str) -> str:
    """The row [batch, dim + 1] of a list's `values` [rows, length, dim + 1], in stored units.

    `{name}_ones` [rows, length] tells values from padding.
    """
    units = parts.table.units
    found = _embeddings(graph, values, units[unit.target], f"{name}_value")
    target = _target(graph, parts, unit.target, name)
    every = graph.node(
        "Shape", [graph.node("Add", [found, target], f"{name}_sum")], f"{name}_shape"
    )
    v = graph.node("Expand", [found, every], f"{name}_v")
    t = graph.node("Expand", [target, every], f"{name}_t")
    apart, product = (graph.node(op, [v, t], f"{name}_{op.lower()}") for op in ("Sub", "Mul"))
    x = graph.node("Concat", [v, t, apart, product], f"{name}_pairs", axis=2)
    for i, layer in enumerate(unit.hidden):
        x = graph.node("Relu", [_linear(graph, x, layer, f"{name}_unit{i}")], f"{name}_out{i}")
    weight = _linear(graph, x, unit.output, f"{name}_unit")
    axis = graph.integers(f"{name}_last_axis", 2)
    present = graph.node("Unsqueeze", [f"{name}_ones", axis], f"{name}_column")
    graph.node("Mul", [weight, present], f"{name}_weights")
    graph.node("Mul", [f"{name}_weights", v], f"{name}_weighed")
    middle = graph.integers(f"{name}_middle_axis", 1)
    pooled = graph.node("ReduceSum", [f"{name}_weighed", middle], f"{name}_pooled", keepdims=0)
    pads = graph.integers(f"{name}_pads", 0, 0, 0, 1)
    return graph.node("Pad", [pooled, pads], f"{name}_row")


def _target(graph: Graph, parts: Parts, field: int, name: str) -> str:
    """The field's embedding [batch, 1, dim]."""
    side, fields = next(one for one in parts.sides.items() if field in one[1])
    place = graph.integers(f"{name}_target", fields.index(field))
    rows = graph.node("Gather", [stored_rows(side), place], f"{name}_target_stored", axis=1)
    if side == layout.REQUEST_IDS:
        ones = ["batch", "one_column", "one_column"]
        each = graph.node("Concat", ones, f"{name}_target_shape", axis=0)
        rows = graph.node("Expand", [rows, each], f"{name}_target_rows")
    if parts.table.rows.dtype == np.uint8:
        one = graph.constant(f"{name}_target_one", np.float32(1))
        zero = graph.constant(f"{name}_target_zero", np.uint8(ZERO))
        rows = graph.node("DequantizeLinear", [rows, one, zero], f"{name}_target_units")
    return _embeddings(graph, rows, parts.table.units[field], f"{name}_target_row")


def _embeddings(graph: Graph, rows: str, worth: Floats, name: str) -> str:
    """From rows [.., .., dim + 1] in units worth so much, the embeddings [.., .., dim]."""
    graph.node("Mul", [rows, graph.constant(f"{name}_worth", worth)], f"{name}_whole")
    bounds = [graph.integers(f"{name}_{n}", v) for n, v in (("from", 0), ("to", -1), ("axis", 2))]
    return graph.node("Slice", [f"{name}_whole", *bounds], f"{name}_embedding")


def _linear(graph: Graph, x: str, layer: FloatLinear, name: str) -> str:
    weight = graph.constant(f"{name}_weight", layer.weight)
    product = graph.node("MatMul", [x, weight], f"{name}_product")
    return graph.node("Add", [product, graph.constant(f"{name}_bias", layer.bias)], name)

"""The graph's part for lists: the mean of the stored rows of a list's values, or see `attention`.

A list comes as an int32 matrix padded with -1 to the longest of the call, and not as values and
lengths: its mean is then a product of shares and rows, in which no row of the batch meets another,
where a sum by segments would need a scatter, which no runtime promises to add up in order. A list
that all candidates share, as a user's history is, has one row: it is read once, then repeated.
"""

import numpy as np
from onnx import TensorProto

from secateur.packaging.attention import attended_row
from secateur.packaging.nodes import Graph
from secateur.packaging.parts import ListPart, Parts
from secateur.serving.files import layout
from secateur.serving.files.row_codes import ZERO


def values_of(i: int) -> str:
    """Name of the stored rows [rows, length, dim + 1] of list `i`'s values: units, as float."""
    return f"list{i}_values"


def shares_of(i: int) -> str:
    """Name of what each value of list `i` weighs in its mean, [rows, 1, length]."""
    return f"list{i}_shares"


def list_rows(graph: Graph, parts: Parts) -> list[str]:
    """A row (e_1 .. e_dim, w) [batch, dim + 1] a list."""
    if not parts.beside.lists:
        return []
    graph.constant("first_id", np.int32(0))
    graph.constant("at_least_one", np.float32(1))
    graph.constant("list_one", np.float32(1))
    graph.constant("list_zero", np.uint8(ZERO))
    graph.integers("values_axis", 1)
    graph.node("Shape", [layout.IDS], "batch", start=0, end=1)
    graph.node("Concat", ["batch", graph.integers("one_column", 1)], "batch_by_one", axis=0)
    return [_list_row(graph, parts, part, i) for i, part in enumerate(parts.beside.lists)]


def _list_row(graph: Graph, parts: Parts, part: ListPart, i: int) -> str:
    _values(graph, parts, part, i)
    _shares(graph, part, i)
    if part.unit is not None:
        return attended_row(graph, parts, part.unit, values_of(i), f"list{i}")
    graph.node("MatMul", [shares_of(i), values_of(i)], f"list{i}_mean")
    graph.node("Squeeze", [f"list{i}_mean", "values_axis"], f"list{i}_units")
    worth = graph.constant(f"list{i}_worth", part.units)
    graph.node("Mul", [f"list{i}_units", worth], f"list{i}_one")
    return graph.node("Expand", [f"list{i}_one", "batch_by_one"], f"list{i}_row")


def _values(graph: Graph, parts: Parts, part: ListPart, i: int) -> None:
    """Look the values up; padding reads some row, which will weigh nothing."""
    ids = layout.list_input(part.name)
    graph.input(ids, TensorProto.INT32, f"list{i}_rows", f"list{i}_length")
    graph.node("Min", [ids, graph.constant(f"list{i}_oov", np.int32(part.height - 1))], f"known{i}")
    graph.node("Max", [f"known{i}", "first_id"], f"list{i}_ids")
    start = graph.constant(f"list{i}_start", np.int32(part.start))
    graph.node("Add", [f"list{i}_ids", start], f"list{i}_places")
    graph.node("Gather", [layout.TABLE_WEIGHTS, f"list{i}_places"], f"list{i}_stored")
    if parts.table.rows.dtype == np.uint8:
        inputs = [f"list{i}_stored", "list_one", "list_zero"]
        graph.node("DequantizeLinear", inputs, values_of(i))
    else:
        graph.node("Identity", [f"list{i}_stored"], values_of(i))


def _shares(graph: Graph, part: ListPart, i: int) -> None:
    """1 / length for each value of a list, 0 for padding."""
    graph.node("GreaterOrEqual", [layout.list_input(part.name), "first_id"], f"list{i}_present")
    graph.node("Cast", [f"list{i}_present"], f"list{i}_ones", to=TensorProto.FLOAT)
    graph.node("ReduceSum", [f"list{i}_ones", "values_axis"], f"list{i}_count")
    graph.node("Max", [f"list{i}_count", "at_least_one"], f"list{i}_total")
    graph.node("Div", [f"list{i}_ones", f"list{i}_total"], f"list{i}_each")
    graph.node("Unsqueeze", [f"list{i}_each", "values_axis"], shares_of(i))

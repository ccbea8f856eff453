"""The graph's first stage, in two sides: what a request says once, and what each candidate adds.

    rows  = table[min(ids, oov) + offset]              one row a field: embedding and first order
    mixed = sum over sides of flat(rows) @ [first layer | field sums]

A request's user and context are the same for all its candidates, so the ids of their fields are an
input of their own. It has one row, which is looked up and multiplied once and then added to every
candidate's, or a row a candidate. Where all embeddings of a sample must meet again later (a cross
network, dot products, a second tower) there is one side, the ids of all fields.
"""

import numpy as np
from onnx import TensorProto

from secateur.packaging.integers import few_integers_product, integer_product
from secateur.packaging.matrices import first_matrix
from secateur.packaging.nodes import Graph
from secateur.packaging.parts import Parts
from secateur.packaging.quantization import Floats, IntegerLinear
from secateur.serving.files import layout
from secateur.serving.files.row_codes import ZERO


def stored_rows(side: str) -> str:
    """Name of a side's rows [batch, fields, dim + 1], as they are stored."""
    return f"{_prefix(side)}rows"


def flat_rows(side: str) -> str:
    """Name of the same, flat [batch, fields * (dim + 1)]."""
    return f"{_prefix(side)}flat_rows"


def _prefix(side: str) -> str:
    return "" if side == layout.IDS else "request_"


def mixture(parts: Parts) -> Floats:
    """What a row (e_1 .. e_dim, w) counts in field sums and first order, [dim + 1]; or [0].

    Half the squared norm of the sums is asked for, so all of them are over the root of 2.
    """
    width = parts.table.rows.shape[1] if parts.folded else 0
    return np.append(np.full(max(width - 1, 0), 0.5**0.5), 1).astype(np.float32)[:width]


def look_up(graph: Graph, parts: Parts) -> None:
    """Look up the rows of every side's ids."""
    graph.external(layout.TABLE_WEIGHTS, parts.table.rows)
    heights = np.array(parts.heights[: parts.fields], np.int32)
    offsets = np.cumsum(heights, dtype=np.int32) - heights
    for side, fields in parts.sides.items():
        p, places = _prefix(side), list(fields)
        graph.input(side, TensorProto.INT32, "batch" if side == layout.IDS else "rows", len(fields))
        graph.node("Min", [side, graph.constant(f"{p}oov", heights[places] - 1)], f"{p}known")
        offset = graph.constant(f"{p}offset", offsets[places])
        graph.node("Add", [f"{p}known", offset], f"{p}row")
        graph.node("Gather", [layout.TABLE_WEIGHTS, f"{p}row"], stored_rows(side))
        flat = graph.integers(f"{p}flat", -1, len(fields) * parts.table.rows.shape[1])
        graph.node("Reshape", [stored_rows(side), flat], flat_rows(side))


def add_first_stage(graph: Graph, parts: Parts) -> str:
    """First pre-activations, field sums and first order, [batch, hidden + dim + 1].

    A model without a tower has none of the first, one without first order none of the others.
    """
    first = parts.hidden[0] if parts.hidden else None
    sums = np.zeros_like(mixture(parts))
    bias = np.concatenate([first.bias if first else [], sums]).astype(np.float32)
    mixed = graph.constant("mixed_bias", bias)
    if parts.table.rows.dtype == np.uint8:
        graph.constant("row_one", np.float32(1))
        graph.constant("row_zero", np.uint8(ZERO))
    for side, fields in parts.sides.items():
        mixed = _product(graph, parts, side, fields, mixed)
    return mixed


def _product(graph: Graph, parts: Parts, side: str, fields: tuple[int, ...], before: str) -> str:
    """The first product of one side, added to what was `before`."""
    table, p, rows = parts.table, _prefix(side), flat_rows(side)
    first, places = parts.hidden[0] if parts.hidden else None, list(fields)
    width = table.rows.shape[1]
    weight = None
    if first is not None:
        cube = first.weight.reshape(parts.fields, width - 1, -1)
        weight = cube[places].reshape(len(fields) * (width - 1), -1)
    if isinstance(first, IntegerLinear):
        sums = table.multipliers[places] if parts.folded else None
        matrix = first_matrix(graph, len(fields), width, weight, sums, p)
        of_sums = table.steps * mixture(parts) if parts.folded else mixture(parts)
        scale = np.concatenate([first.scale, of_sums])
        worth = graph.constant(f"{p}mixed_scale", scale)
        inputs, name = [rows, "row_one", "row_zero"], f"{p}product"
        if side == layout.REQUEST_IDS:
            product = few_integers_product(graph, inputs, matrix, worth, name)
        else:
            product = integer_product(graph, inputs, matrix, worth, name)
        # Not Add, which onnxruntime draws into a Gemm before it sees the integers.
        return graph.node("Sum", [product, before], f"{p}mixed")
    units = table.units[places] * mixture(parts) if parts.folded else None
    matrix = first_matrix(graph, len(fields), width, weight, units, p)
    if table.rows.dtype == np.uint8:
        rows = graph.node("DequantizeLinear", [rows, "row_one", "row_zero"], f"{p}units")
    return graph.node("Gemm", [rows, matrix, before], f"{p}mixed")

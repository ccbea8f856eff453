"""The table rows of ids: one a field, an embedding and a first-order weight (e_1 .. e_dim, w).

    rows = table[min(ids, oov) + offset]

A request's user and context are the same for all its candidates, so the ids of their fields are an
input of their own. It has one row, looked up once for all candidates, or a row a candidate.
"""

from dataclasses import dataclass

import numpy as np

from secateur.onnx_graph.graph import Graph, Value
from secateur.onnx_graph.integer_products import Quantized
from secateur.onnx_graph.linear_layers import Floats
from secateur.packaging.graph.parts import Parts
from secateur.serving.files import layout
from secateur.serving.files.row_codes import ZERO


@dataclass(frozen=True)
class IdRows:
    """The stored rows of one of the graph's inputs of ids.

    `ids` int32 [batch, fields] are those of the fields at these places; `rows` [batch, fields,
    dim + 1] and `flat` [batch, fields * (dim + 1)] are as stored. With `once` they may have one
    row for all candidates.
    """

    fields: tuple[int, ...]
    once: bool
    ids: Value
    rows: Value
    flat: Value


def look_up(graph: Graph, parts: Parts, table: Value) -> tuple[IdRows, ...]:
    """Look up the rows of every input of ids; the candidates' are the last."""
    heights = np.array(parts.heights[: parts.fields], np.int32)
    offsets = np.cumsum(heights, dtype=np.int32) - heights
    found = []
    for name, fields in parts.id_columns.items():
        places, once = list(fields), name == layout.REQUEST_IDS
        ids = graph.input(name, np.int32, "rows" if once else "batch", len(fields))
        known = graph.op("Min", ids, graph.constant(heights[places] - 1))
        at = graph.op("Add", known, graph.constant(offsets[places]))
        rows = graph.op("Gather", table, at)
        flat = graph.op("Reshape", rows, graph.integers(-1, len(fields) * parts.width))
        found.append(IdRows(fields, once, ids, rows, flat))
    return tuple(found)


def stored_units(graph: Graph, stored: Value) -> Quantized:
    """Rows of a table of integers, as what a product of integers reads: a unit is worth 1."""
    return Quantized(stored, graph.constant(np.float32(1)), graph.constant(np.uint8(ZERO)))


def units_in_float(graph: Graph, parts: Parts, stored: Value) -> Value:
    """Stored rows [.., dim + 1] in float, still in units of the table."""
    if parts.table.rows.dtype == np.uint8:
        return stored_units(graph, stored).dequantize(graph)
    return stored


def embeddings_of(graph: Graph, rows: Value, worth: Floats) -> Value:
    """Embeddings [.., .., dim] of rows [.., .., dim + 1], whose units are worth [dim + 1]."""
    return drop_first_order(graph, graph.op("Mul", rows, graph.constant(worth)))


def drop_first_order(graph: Graph, rows: Value) -> Value:
    """Rows [.., .., dim + 1] without their last column."""
    start, end, axis = (graph.integers(place) for place in (0, -1, 2))
    return graph.op("Slice", rows, start, end, axis)

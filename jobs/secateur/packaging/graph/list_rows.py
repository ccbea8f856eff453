"""The rows of lists: the mean of the stored rows of a list's values, or their sum by attention.

A list comes as an int32 matrix padded with -1 to the longest of the call, and not as values and
lengths: its mean is then a product of shares and rows, in which no row of the batch meets another,
where a sum by segments would need a scatter, which no runtime promises to add up in order. A list
that all candidates share, as a user's history is, has one row: it is read once, then repeated.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from secateur.onnx_graph.architecture_graph import ListValues
from secateur.onnx_graph.graph import Graph, Value
from secateur.packaging.graph.id_rows import IdRows, embeddings_of, units_in_float
from secateur.packaging.graph.parts import ListPart, Parts
from secateur.serving.files import layout


@dataclass(frozen=True)
class ListRow:
    """The row (e_1 .. e_dim, w) [batch, dim + 1] of a list, and what it is made of.

    `values` [rows, length, dim + 1] are the rows of its values in units, `shares` [rows, 1, length]
    what each weighs in the mean; None where attention weighs them.
    """

    row: Value
    values: Value
    shares: Value | None


def list_rows(
    graph: Graph, parts: Parts, table: Value, ids: Sequence[IdRows]
) -> tuple[ListRow, ...]:
    """The rows of all lists."""
    if not parts.non_ids.lists:
        return ()
    batch = graph.op("Shape", ids[-1].ids, start=0, end=1)
    shape = graph.op("Concat", batch, graph.integers(1), axis=0)
    found = []
    for place, part in enumerate(parts.non_ids.lists):
        given = graph.input(
            layout.list_input(part.name), np.int32, f"list{place}_rows", f"list{place}_length"
        )
        values = _look_up(graph, parts, table, part, given)
        present = graph.op("GreaterOrEqual", given, graph.constant(np.int32(0)))
        ones = graph.cast(present, np.float32)
        target = parts.own.target(place)
        if target is None:
            found.append(_mean(graph, part, values, ones, shape))
            continue
        known = ListValues(
            embeddings_of(graph, values, parts.table.units[target]),
            ones,
            _target(graph, parts, ids, target, batch),
        )
        pooled = parts.own.pool(graph, place, known)
        no_first_order = graph.integers(0, 0, 0, 1)
        found.append(ListRow(graph.op("Pad", pooled, no_first_order), values, None))
    return tuple(found)


def _look_up(graph: Graph, parts: Parts, table: Value, part: ListPart, given: Value) -> Value:
    """Rows of values [rows, length, dim + 1], in units; padding reads any row, to weigh nothing."""
    known = graph.op("Min", given, graph.constant(np.int32(part.height - 1)))
    at = graph.op("Max", known, graph.constant(np.int32(0)))
    places = graph.op("Add", at, graph.constant(np.int32(part.start)))
    return units_in_float(graph, parts, graph.op("Gather", table, places))


def _mean(graph: Graph, part: ListPart, values: Value, ones: Value, shape: Value) -> ListRow:
    """The mean of `values` [rows, length, dim + 1], for the batch of the `shape` [batch, 1].

    `ones` [rows, length] are 0 for padding.
    """
    axis = graph.integers(1)
    count = graph.op("ReduceSum", ones, axis)
    share = graph.op("Div", ones, graph.op("Max", count, graph.constant(np.float32(1))))
    shares = graph.op("Unsqueeze", share, axis)
    mean = graph.op("Squeeze", graph.op("MatMul", shares, values), axis)
    row = graph.op("Mul", mean, graph.constant(part.units))
    return ListRow(graph.op("Expand", row, shape), values, shares)


def _target(graph: Graph, parts: Parts, ids: Sequence[IdRows], field: int, batch: Value) -> Value:
    """The field's embedding [batch, 1, dim]."""
    of = next(one for one in ids if field in one.fields)
    place = graph.integers(of.fields.index(field))
    rows = graph.op("Gather", of.rows, place, axis=1)
    if of.once:
        one = graph.integers(1)
        rows = graph.op("Expand", rows, graph.op("Concat", batch, one, one, axis=0))
    return embeddings_of(graph, units_in_float(graph, parts, rows), parts.table.units[field])

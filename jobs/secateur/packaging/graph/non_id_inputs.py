"""Lists, vectors and numbers: what the graph computes of them, and what it adds to the first stage.

A list or a vector becomes a row (e_1 .. e_dim, w) like those stored for ids, and a number x adds
x times its row; all of it stays float, whatever the bits of table and tower:

    list     mean of its values' stored rows (see `list_rows`)  vector z     z P
    mixed   += [flat(rows), numbers] @ [first layer | field sums]
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from secateur.onnx_graph.graph import Graph, Value
from secateur.packaging.graph.first_matrix import first_matrix
from secateur.packaging.graph.id_rows import IdRows
from secateur.packaging.graph.list_rows import ListRow, list_rows
from secateur.packaging.graph.parts import Parts
from secateur.serving.files import layout


@dataclass(frozen=True)
class NonIdValues:
    """`rows` [batch, (lists + vectors) * (dim + 1)] and `numbers` [batch, numbers], or None.

    `lists` are the first of the rows by themselves.
    """

    lists: tuple[ListRow, ...]
    rows: Value | None
    numbers: Value | None


def read_non_ids(graph: Graph, parts: Parts, table: Value, ids: Sequence[IdRows]) -> NonIdValues:
    """Add the inputs of lists, vectors and numbers, and compute their rows."""
    lists = list_rows(graph, parts, table, ids)
    rows = [*(one.row for one in lists), *_vector_rows(graph, parts)]
    joined = graph.op("Concat", *rows, axis=1) if rows else None
    count = len(parts.non_ids.numbers)
    numbers = graph.input(layout.NUMBERS, np.float32, "batch", count) if count else None
    return NonIdValues(lists, joined, numbers)


def _vector_rows(graph: Graph, parts: Parts) -> list[Value]:
    """A row [batch, dim + 1] a vector."""
    projections = parts.non_ids.vectors
    if not projections:
        return []
    lengths = [len(projection) for projection in projections]
    vectors = graph.split(graph.input(layout.VECTORS, np.float32, "batch", sum(lengths)), lengths)
    return [
        graph.op("MatMul", vector, graph.constant(projection))
        for vector, projection in zip(vectors, projections, strict=True)
    ]


def add_non_ids(graph: Graph, parts: Parts, values: NonIdValues, mixed: Value) -> Value:
    """The first stage's `mixed` [batch, hidden + dim + 1] with all inputs in it."""
    given = [value for value in (values.rows, values.numbers) if value is not None]
    matrices = [_row_matrix(graph, parts)] if parts.non_ids.rows else []
    matrices += [_number_matrix(graph, parts)] if len(parts.non_ids.numbers) else []
    matrix = graph.op("Concat", *matrices, axis=0)
    return graph.op("Gemm", graph.op("Concat", *given, axis=1), matrix, mixed)


def _row_matrix(graph: Graph, parts: Parts) -> Value:
    """What meets the computed rows in the first product."""
    non_ids, width = parts.non_ids, parts.width
    weight = non_ids.first[: non_ids.rows * (width - 1)] if parts.hidden else None
    sums = np.tile(parts.mixture, (non_ids.rows, 1)) if parts.folded else None
    return first_matrix(graph, non_ids.rows, width, weight, sums)


def _number_matrix(graph: Graph, parts: Parts) -> Value:
    """What meets the numbers in the first product: first layer, then their own rows."""
    numbers = parts.non_ids.numbers
    weight = parts.non_ids.first[len(parts.non_ids.first) - len(numbers) :]
    matrix = np.column_stack([weight, numbers * parts.mixture]) if parts.folded else weight
    return graph.constant(matrix)

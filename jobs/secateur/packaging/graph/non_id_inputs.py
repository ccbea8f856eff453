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
    non_ids, width = parts.non_ids, parts.width
    matrices = []
    if non_ids.rows:
        weight = non_ids.first[: non_ids.rows * (width - 1)] if parts.hidden else None
        sums = np.tile(parts.mixture, (non_ids.rows, 1)) if parts.folded else None
        matrices.append(first_matrix(graph, non_ids.rows, width, weight, sums))
    if len(non_ids.numbers):
        of_numbers = non_ids.first[len(non_ids.first) - len(non_ids.numbers) :]
        if parts.folded:  # numbers meet the first layer, then their own rows
            of_numbers = np.column_stack([of_numbers, non_ids.numbers * parts.mixture])
        matrices.append(graph.constant(of_numbers))
    matrix = graph.op("Concat", *matrices, axis=0)
    return graph.op("Gemm", graph.op("Concat", *given, axis=1), matrix, mixed)

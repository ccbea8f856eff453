"""The graph's part for lists, vectors and numbers: what they add to the first stage.

A list or a vector becomes a row (e_1 .. e_dim, w) like those stored for ids, and a number x adds
x times its row; all of it stays float, whatever the bits of table and tower:

    list     mean of its values' stored rows (see `lists`)      vector z     z P
    mixed   += [flat(rows), numbers] @ [first layer | field sums]
"""

import numpy as np
from onnx import TensorProto

from secateur.packaging.lists import list_rows
from secateur.packaging.matrices import first_matrix
from secateur.packaging.nodes import Graph
from secateur.packaging.parts import Parts
from secateur.packaging.sides import mixture
from secateur.serving.files import layout

ROWS = "computed_rows"  # [batch, (lists + vectors) * (dim + 1)]


def add_beside(graph: Graph, parts: Parts, mixed: str) -> str:
    """The first stage (see `graph`) with all inputs in it."""
    graph.node("Concat", beside_columns(graph, parts), "beside", axis=1)
    matrices = [_row_matrix(graph, parts)] if parts.beside.rows else []
    matrices += [_number_matrix(graph, parts)] if len(parts.beside.numbers) else []
    graph.node("Concat", matrices, "beside_matrix", axis=0)
    return graph.node("Gemm", ["beside", "beside_matrix", mixed], "mixed_of_all")


def beside_columns(graph: Graph, parts: Parts) -> list[str]:
    """`ROWS` and the numbers, where there are any."""
    columns, numbers = [], len(parts.beside.numbers)
    if parts.beside.rows:
        rows = [*list_rows(graph, parts), *_vector_rows(graph, parts)]
        columns.append(graph.node("Concat", rows, ROWS, axis=1))
    if numbers:
        columns.append(graph.input(layout.NUMBERS, TensorProto.FLOAT, "batch", numbers))
    return columns


def _vector_rows(graph: Graph, parts: Parts) -> list[str]:
    """A row [batch, dim + 1] a vector."""
    projections = parts.beside.vectors
    if not projections:
        return []
    lengths = tuple(len(projection) for projection in projections)
    graph.input(layout.VECTORS, TensorProto.FLOAT, "batch", sum(lengths))
    names = [f"vector{i}" for i in range(len(lengths))]
    graph.split(layout.VECTORS, names, lengths, "vector_")
    return [
        graph.node("MatMul", [name, graph.constant(f"{name}_projection", matrix)], f"{name}_row")
        for name, matrix in zip(names, projections, strict=True)
    ]


def _row_matrix(graph: Graph, parts: Parts) -> str:
    """What meets the computed rows in the first product."""
    beside, width = parts.beside, parts.table.rows.shape[1]
    weight = beside.first[: beside.rows * (width - 1)] if parts.hidden else None
    sums = np.tile(mixture(parts), (beside.rows, 1)) if parts.folded else None
    return first_matrix(graph, beside.rows, width, weight, sums, "computed_")


def _number_matrix(graph: Graph, parts: Parts) -> str:
    """What meets the numbers in the first product: first layer, then their own rows."""
    numbers = parts.beside.numbers
    weight = parts.beside.first[len(parts.beside.first) - len(numbers) :]
    matrix = np.column_stack([weight, numbers * mixture(parts)]) if parts.folded else weight
    return graph.constant("number_matrix", matrix)

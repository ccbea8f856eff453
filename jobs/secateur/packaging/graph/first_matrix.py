"""The matrix of the graph's first product, assembled from its parts when a runtime loads it."""

import numpy as np
from numpy.typing import NDArray

from secateur.onnx_graph.graph import Graph, Value

Matrix = NDArray[np.generic]


def first_matrix(
    graph: Graph, rows: int, width: int, weight: Matrix | None, sums: Matrix | None
) -> Value:
    """Assemble [rows * width, hidden + width] from the first layer and the field sums.

    `weight` [rows * (width - 1), hidden] reads the embeddings of a sample's rows (e_1 .. e_dim,
    w); each w is zero for the tower. Column c of the field sums holds `sums[r, c]`, of [rows,
    width], where it meets column c of row r. Either may be None, and then has no columns.
    """
    cubes, columns = [], 0
    if weight is not None:
        pads = graph.integers(0, 0, 0, 0, 1, 0)  # a row of zeros for each w
        zero = graph.constant(np.zeros((), weight.dtype))
        layer = graph.constant(weight.reshape(rows, width - 1, -1))
        cubes.append(graph.op("Pad", layer, pads, zero))
        columns += weight.shape[1]
    if sums is not None:
        identity = graph.constant(np.eye(width, dtype=sums.dtype))
        diagonals = graph.op("Mul", identity, graph.constant(sums[:, None, :]))
        kind = sums.dtype if weight is None else weight.dtype
        cubes.append(graph.cast(diagonals, kind.type))
        columns += width
    cube = graph.op("Concat", *cubes, axis=2)
    return graph.op("Reshape", cube, graph.integers(rows * width, columns))

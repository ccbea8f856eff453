"""The matrix of the graph's first product, assembled from its parts when a runtime loads it."""

import numpy as np
from numpy.typing import NDArray
from onnx import helper

from secateur.packaging.nodes import Graph

Matrix = NDArray[np.generic]


def first_matrix(
    graph: Graph,
    rows: int,
    width: int,
    weight: Matrix | None,
    sums: Matrix | None,
    prefix: str = "",
) -> str:
    """Assemble [rows * width, hidden + width] from the first layer and the field sums.

    `weight` [rows * (width - 1), hidden] reads the embeddings of a sample's rows (e_1 .. e_dim,
    w); each w is zero for the tower. Column c of the field sums holds `sums[r, c]` where it meets
    column c of row r. Either may be None, and then has no columns.
    """
    cubes, columns = [], 0
    if weight is not None:
        cubes.append(_padded(graph, weight.reshape(rows, width - 1, -1), prefix))
        columns += weight.shape[1]
    if sums is not None:
        kind = sums.dtype if weight is None else weight.dtype
        cubes.append(_diagonals(graph, sums, kind, prefix))
        columns += width
    cube = graph.node("Concat", cubes, f"{prefix}first_cube", axis=2)
    graph.integers(f"{prefix}first_shape", rows * width, columns)
    return graph.node("Reshape", [cube, f"{prefix}first_shape"], f"{prefix}first_matrix")


def _padded(graph: Graph, weight: Matrix, prefix: str) -> str:
    """[rows, dim + 1, hidden] of the first layer's [rows, dim, hidden]."""
    graph.constant(f"{prefix}first_layer", weight)
    graph.constant(f"{prefix}pad_value", np.zeros((), weight.dtype))
    pads = graph.integers(f"{prefix}pads", 0, 0, 0, 0, 1, 0)
    return graph.node("Pad", [f"{prefix}first_layer", pads, f"{prefix}pad_value"], f"{prefix}pad")


def _diagonals(graph: Graph, sums: Matrix, kind: np.dtype[np.generic], prefix: str) -> str:
    """[rows, dim + 1, dim + 1]: one diagonal matrix a row."""
    graph.constant(f"{prefix}identity", np.eye(sums.shape[1], dtype=sums.dtype))
    graph.constant(f"{prefix}sum_weights", sums[:, None, :])
    graph.node("Mul", [f"{prefix}identity", f"{prefix}sum_weights"], f"{prefix}sums_wide")
    to = helper.np_dtype_to_tensor_dtype(kind)
    return graph.node("Cast", [f"{prefix}sums_wide"], f"{prefix}sums", to=to)

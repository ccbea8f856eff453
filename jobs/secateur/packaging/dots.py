"""The graph's part for a DLRM: the tower's first pre-activations [batch, hidden], in float.

The numbers become one more embedding; the tower reads that one and the dot products of all pairs,
or all embeddings side by side.
"""

import numpy as np

from secateur.packaging.embeddings import add_embeddings, float_linear
from secateur.packaging.nodes import Graph
from secateur.packaging.parts import Dots, Parts
from secateur.serving.files import layout


def add_dots(graph: Graph, parts: Parts, dots: Dots, rows: str) -> str:
    """First pre-activations; `rows` are the flat stored rows of ids."""
    own = [_bottom(graph, dots)] if dots.bottom else []
    x = graph.node("Concat", [*own, add_embeddings(graph, parts, rows)], "dlrm_flat", axis=1)
    if dots.pairs:
        dotted = _pairs(graph, x, parts.fields + parts.beside.rows + len(own), dots.dim)
        x = graph.node("Concat", [*own, dotted], "dlrm_first", axis=1)
    return float_linear(graph, x, parts.hidden[0], "tower_0")


def _bottom(graph: Graph, dots: Dots) -> str:
    """One embedding [batch, dim] of all numbers."""
    x = layout.NUMBERS
    for i, layer in enumerate(dots.bottom):
        x = graph.node("Relu", [float_linear(graph, x, layer, f"bottom{i}")], f"bottom{i}_out")
    return x


def _pairs(graph: Graph, flat: str, embeddings: int, dim: int) -> str:
    """The dot product of every pair of embeddings, [batch, pairs]."""
    shape = graph.integers("dlrm_shape", -1, embeddings, dim)
    cube = graph.node("Reshape", [flat, shape], "dlrm_cube")
    turned = graph.node("Transpose", [cube], "dlrm_turned", perm=[0, 2, 1])
    products = graph.node("MatMul", [cube, turned], "dlrm_products")
    square = graph.integers("dlrm_square", -1, embeddings * embeddings)
    every = graph.node("Reshape", [products, square], "dlrm_every")
    first, second = np.triu_indices(embeddings, k=1)
    places = graph.constant("dlrm_pairs", (first * embeddings + second).astype(np.int64))
    return graph.node("Gather", [every, places], "dlrm_dots", axis=1)

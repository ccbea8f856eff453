"""The graph's part that makes up for norms which are not folded into stored rows.

The stored w of an id has half the squared norm of its embedding taken off already (see
`quantization`). Of what the graph computes, a list's mean e, a vector's z P, a number's x v, that
is done here; and the norms that were folded into the w of a list's values are given back:

    own = (sum of |e|^2 - sum over lists of the mean of |e_value|^2) / 2
"""

import numpy as np

from secateur.packaging.beside import ROWS
from secateur.packaging.lists import shares_of, values_of
from secateur.packaging.nodes import Graph
from secateur.packaging.parts import Parts
from secateur.serving.files import layout


def own_norms(graph: Graph, parts: Parts) -> str:
    """What is to be subtracted from the logit, [batch, 1]."""
    own = [_of_rows(graph, parts)] if parts.beside.rows else []
    own += [_of_numbers(graph, parts)] if len(parts.beside.numbers) else []
    graph.node("Sum", own, "all_norms")
    graph.constant("half_of_norms", np.float32(0.5))
    if not parts.beside.lists:
        return graph.node("Mul", ["all_norms", "half_of_norms"], "own_norms")
    graph.integers("columns_axis", 2)
    folded = [_of_values(graph, parts, i) for i in range(len(parts.beside.lists))]
    graph.node("Sum", folded, "folded_norms")
    graph.node("Sub", ["all_norms", "folded_norms"], "norms_left")
    return graph.node("Mul", ["norms_left", "half_of_norms"], "own_norms")


def _of_rows(graph: Graph, parts: Parts) -> str:
    """Squared norms of computed embeddings, summed over rows, [batch, 1]."""
    mask = np.ones((parts.beside.rows, parts.table.rows.shape[1]), np.float32)
    mask[:, -1] = 0
    graph.node("Mul", [ROWS, graph.constant("embedding_columns", mask.reshape(-1))], "embeddings")
    axis = graph.integers("embeddings_axis", 1)
    return graph.node("ReduceSumSquare", ["embeddings", axis], "norms_of_rows")


def _of_numbers(graph: Graph, parts: Parts) -> str:
    """Squared norms of numbers times their embeddings, summed over numbers, [batch, 1]."""
    graph.node("Mul", [layout.NUMBERS, layout.NUMBERS], "squares")
    norms = np.square(parts.beside.numbers[:, :-1]).sum(axis=1, keepdims=True)
    return graph.node("MatMul", ["squares", graph.constant("unit_norms", norms)], "number_norms")


def _of_values(graph: Graph, parts: Parts, i: int) -> str:
    """Mean squared norm of the embeddings of list `i`'s values, [batch, 1] or [1, 1]."""
    worth = parts.beside.lists[i].units.copy()
    worth[-1] = 0
    graph.constant(f"list{i}_embedding_worth", worth)
    graph.node("Mul", [values_of(i), f"list{i}_embedding_worth"], f"list{i}_embeddings")
    graph.node("ReduceSumSquare", [f"list{i}_embeddings", "columns_axis"], f"list{i}_norms")
    graph.node("MatMul", [shares_of(i), f"list{i}_norms"], f"list{i}_mean_norm")
    return graph.node("Squeeze", [f"list{i}_mean_norm", "values_axis"], f"list{i}_folded")

"""The factorization machine's self-interaction term, where it is not folded into stored rows.

The pairwise term is half the squared norm of the field sums less the norm of every summand (Rendle
2010, equation 5). The stored w of an id has half the squared norm of its embedding taken off
already (see `table_quantization`). Of what the graph computes, a list's mean e, a vector's z P, a
number's x v, that is done here; and the norms that were folded into the w of a list's values are
given back:

    own = (sum of |e|^2 - sum over lists of the mean of |e_value|^2) / 2
"""

import numpy as np

from secateur.onnx_graph.graph import Graph, Value
from secateur.packaging.graph.list_rows import ListRow
from secateur.packaging.graph.non_id_inputs import NonIdValues
from secateur.packaging.graph.parts import ListPart, Parts


def self_interactions(graph: Graph, parts: Parts, values: NonIdValues) -> Value:
    """What is to be subtracted from the logit, [batch, 1]."""
    norms = []  # of each kind of input, squared and summed over its inputs, [batch, 1]
    if values.rows is not None:
        mask = np.ones((parts.non_ids.rows, parts.width), np.float32)
        mask[:, -1] = 0  # w is no part of an embedding
        embeddings = graph.op("Mul", values.rows, graph.constant(mask.reshape(-1)))
        norms.append(graph.op("ReduceSumSquare", embeddings, graph.integers(1)))
    if values.numbers is not None:
        squares = graph.op("Mul", values.numbers, values.numbers)
        of_rows = np.square(parts.non_ids.numbers[:, :-1]).sum(axis=1, keepdims=True)
        norms.append(graph.op("MatMul", squares, graph.constant(of_rows)))
    own = graph.op("Sum", *norms)
    if values.lists:
        of_lists = zip(parts.non_ids.lists, values.lists, strict=True)
        folded = [_of_values(graph, part, row) for part, row in of_lists]
        own = graph.op("Sub", own, graph.op("Sum", *folded))
    return graph.op("Mul", own, graph.constant(np.float32(0.5)))


def _of_values(graph: Graph, part: ListPart, row: ListRow) -> Value:
    """Mean squared norm of the embeddings of a list's values, [batch, 1] or [1, 1]."""
    assert row.shares is not None  # noqa: S101 - where there are pairs, lists are means
    worth = part.units.copy()
    worth[-1] = 0
    embeddings = graph.op("Mul", row.values, graph.constant(worth))
    norms = graph.op("ReduceSumSquare", embeddings, graph.integers(2))
    mean = graph.op("MatMul", row.shares, norms)
    return graph.op("Squeeze", mean, graph.integers(1))

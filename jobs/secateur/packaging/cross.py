"""The graph's part for a cross network (DCN-V2): its output [batch, 1], computed in float.

x_0 are the embeddings of all inputs and the numbers; each layer is x_0 * (W x + b) + x.
"""

from secateur.packaging.embeddings import add_embeddings, float_linear
from secateur.packaging.nodes import Graph
from secateur.packaging.parts import Cross, Parts
from secateur.serving.files import layout


def add_cross(graph: Graph, parts: Parts, cross: Cross, rows: str) -> str:
    """Output of the cross network [batch, 1]; `rows` are the flat stored rows of ids."""
    columns = [add_embeddings(graph, parts, rows)]
    columns += [layout.NUMBERS] if len(parts.beside.numbers) else []
    first = x = graph.node("Concat", columns, "cross_first", axis=1)
    for i, layer in enumerate(cross.layers):
        linear = float_linear(graph, x, layer, f"cross{i}_linear")
        graph.node("Mul", [first, linear], f"cross{i}_product")
        x = graph.node("Add", [f"cross{i}_product", x], f"cross{i}")
    return graph.node("MatMul", [x, graph.constant("cross_output", cross.output)], "crossed")

"""The graph's part for a second tower (FinalMLP), in float: what it and the fusion add, [batch, 1].

second = ... relu(x W) ...      x are the embeddings of all inputs, and the numbers
added  = second's output + (last_hidden F) . second's last hidden neurons
"""

from secateur.packaging.embeddings import add_embeddings, float_linear, float_weight
from secateur.packaging.nodes import Graph
from secateur.packaging.parts import Fusion, Parts
from secateur.serving.files import layout


def add_fusion(graph: Graph, parts: Parts, fusion: Fusion, rows: str) -> str:
    """What is to be added; `rows` are the flat stored rows of ids, and the tower is there."""
    columns = [add_embeddings(graph, parts, rows)]
    columns += [layout.NUMBERS] if len(parts.beside.numbers) else []
    x = graph.node("Concat", columns, "second_first", axis=1)
    for i, layer in enumerate(fusion.hidden):
        x = graph.node("Relu", [float_linear(graph, x, layer, f"second_{i}")], f"second_out_{i}")
    matrix = float_weight(graph, fusion.matrix, "fusion")
    graph.node("MatMul", ["last_hidden", matrix], "fused")
    graph.node("Mul", ["fused", x], "fused_products")
    graph.node("ReduceSum", ["fused_products", graph.integers("fused_axis", 1)], "fused_sum")
    return graph.node(
        "Add", [float_linear(graph, x, fusion.output, "second"), "fused_sum"], "added"
    )

"""The whole model as one ONNX graph, from feature ids to probabilities, in standard operators.

    mixed = rows of ids @ [first layer | field sums]  one product for the whole first stage, or one
                                                      a side of the request (see `sides`)
    tower = ... relu(mixed[:hidden]) ...              integer layers: see `integers`
    logit = tower + |sums|^2 + first order            sums / sqrt(2): see `quantization`

Lists, vectors and numbers add to `mixed`: see `beside` and `norms`. A cross network stands in the
place of sums and first order (see `cross`), or a second tower (see `fusion`). A tower over dot
products is another structure: see `dots`. Without a tower there is its bias alone. Further tasks
read the same last hidden layer, each with weights and an output of its own.

The matrix of the first product is assembled from its parts by nodes that a runtime folds when it
loads the graph, so that no structural zero is stored. The table is an external initializer: the
client unpacks `table.zst` and injects it. Activations between integer layers have fixed scales,
so that a candidate's score does not depend on its neighbours in the batch.
"""

from onnx import TensorProto, helper

from secateur.packaging.beside import add_beside, beside_columns
from secateur.packaging.cross import add_cross
from secateur.packaging.dots import add_dots
from secateur.packaging.embeddings import float_linear
from secateur.packaging.fusion import add_fusion
from secateur.packaging.integers import integer_layer
from secateur.packaging.nodes import Graph
from secateur.packaging.norms import own_norms
from secateur.packaging.parts import Dots, Parts
from secateur.packaging.quantization import IntegerLinear
from secateur.packaging.sides import add_first_stage, flat_rows, look_up
from secateur.serving.files import layout

OPSET = 21
IR_VERSION = 10


def build(parts: Parts) -> bytes:
    """Serialize the graph of `parts`; equal parts give equal bytes."""
    graph = Graph()
    look_up(graph, parts)
    rows = flat_rows(layout.IDS)
    of = _of_dots(graph, parts, parts.dots, rows) if parts.dots else _logit(graph, parts, rows)
    outputs = [_probability(graph, of, layout.PROBABILITY)]
    outputs += [_task(graph, parts, place) for place in range(len(parts.tasks))]
    return _serialize(graph, parts.architecture, outputs)


def _logit(graph: Graph, parts: Parts, rows: str) -> str:
    mixed = add_first_stage(graph, parts)
    if parts.beside.inputs:
        mixed = add_beside(graph, parts, mixed)
    _split(graph, parts, mixed)
    terms = [_tower(graph, parts, "tower_0")]
    terms += [_pairs(graph, parts)] if parts.pairs else []
    last = _last(graph, parts, rows)
    return graph.node("Sum", [*terms, last] if last else terms, "logit")


def _last(graph: Graph, parts: Parts, rows: str) -> str | None:
    """What is added to the tower, [batch, 1], if anything is."""
    if parts.cross:
        return add_cross(graph, parts, parts.cross, rows)
    if parts.fusion:
        return add_fusion(graph, parts, parts.fusion, rows)
    return "first_order" if parts.folded else None


def _of_dots(graph: Graph, parts: Parts, dots: Dots, rows: str) -> str:
    """A DLRM's logit: its tower reads no stored rows, so the first layer stays float."""
    beside_columns(graph, parts)
    return _tower(graph, parts, add_dots(graph, parts, dots, rows))


def _split(graph: Graph, parts: Parts, mixed: str) -> None:
    """Part the first stage into what it is made of."""
    sizes = {"tower_0": parts.hidden[0].bias.size} if parts.hidden else {}
    if parts.pairs:
        sizes["field_sums"] = parts.table.rows.shape[1] - 1
    if parts.folded:
        sizes["first_order"] = 1
    graph.split(mixed, list(sizes), tuple(sizes.values()))


def _tower(graph: Graph, parts: Parts, x: str) -> str:
    """The tower's output with the model's bias [batch, 1], from the first pre-activations.

    Without a tower it is the bias [1].
    """
    if not parts.hidden:
        return graph.constant("output_bias", parts.output.bias)
    for i, layer in enumerate(parts.hidden[1:], start=1):
        if isinstance(layer, IntegerLinear) and not layer.small:
            x = integer_layer(graph, x, layer, parts.steps[i - 1], i)
        else:
            x = float_linear(graph, graph.node("Relu", [x], f"hidden_{i}"), layer, f"tower_{i}")
    graph.node("Relu", [x], "last_hidden")
    graph.constant("output_weight", parts.output.weight[:, :1])
    graph.constant("output_bias", parts.output.bias[:1])
    return graph.node("Gemm", ["last_hidden", "output_weight", "output_bias"], "tower")


def _pairs(graph: Graph, parts: Parts) -> str:
    """Half the squared norm of the field sums, less what is no pair in it, [batch, 1]."""
    graph.node("ReduceSumSquare", ["field_sums", graph.integers("columns", 1)], "norms")
    if not parts.beside.inputs:
        return "norms"
    return graph.node("Sub", ["norms", own_norms(graph, parts)], "pairs")


def _task(graph: Graph, parts: Parts, place: int) -> str:
    """The output of the task at this place, of the tower's last hidden layer."""
    column, output = slice(place + 1, place + 2), parts.output
    weight = graph.constant(f"task_{place}_weight", output.weight[:, column])
    bias = graph.constant(f"task_{place}_bias", output.bias[column])
    logit = graph.node("Gemm", ["last_hidden", weight, bias], f"task_{place}")
    return _probability(graph, logit, layout.task_output(parts.tasks[place]))


def _probability(graph: Graph, logit: str, name: str) -> str:
    vector = graph.integers(f"vector_of_{name}", -1)
    return graph.node(
        "Reshape", [graph.node("Sigmoid", [logit], f"sigmoid_of_{name}"), vector], name
    )


def _serialize(graph: Graph, name: str, outputs: list[str]) -> bytes:
    scores = [helper.make_tensor_value_info(o, TensorProto.FLOAT, ["batch"]) for o in outputs]
    proto = helper.make_graph(graph.nodes, name, graph.inputs, scores, graph.initializers)
    opset = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(
        proto, opset_imports=opset, ir_version=IR_VERSION, producer_name="secateur"
    )
    return bytes(model.SerializeToString(deterministic=True))

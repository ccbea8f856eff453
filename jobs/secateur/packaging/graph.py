"""The whole model as one ONNX graph, from feature ids to probabilities, in standard operators.

    rows  = table[min(ids, oov) + offset]            one row a field: embedding and first order
    mixed = flat(rows) @ [first layer | field sums]  one product for the whole first stage
    tower = ... relu(mixed[:hidden]) ...
    logit = tower + |sums|^2 / 2 + first order       (see `quantization`)

Lists, vectors and numbers add to `mixed`: see `beside` and `norms`. A cross network stands in the
place of sums and first order (see `cross`), or a second tower (see `fusion`). A tower over dot
products is another structure: see `dots`. Without a tower there is its bias alone. Further tasks
read the same last hidden layer, each with weights and an output of its own.

The matrix of the first product is assembled from its parts by nodes that a runtime folds when it
loads the graph, so that no structural zero is stored. The table is an external initializer: the
client unpacks `table.zst` and injects it. Activations between integer layers have fixed scales,
so that a candidate's score does not depend on its neighbours in the batch.
"""

import numpy as np
from onnx import TensorProto, helper

from secateur.packaging.beside import add_beside, beside_columns
from secateur.packaging.cross import add_cross
from secateur.packaging.dots import add_dots
from secateur.packaging.fusion import add_fusion
from secateur.packaging.matrices import first_matrix
from secateur.packaging.nodes import Constant, Graph
from secateur.packaging.norms import own_norms
from secateur.packaging.parts import Dots, Parts
from secateur.packaging.quantization import FloatLinear, IntegerLinear
from secateur.serving import layout
from secateur.serving.codes import ZERO

OPSET = 21
IR_VERSION = 10


def build(parts: Parts) -> bytes:
    """Serialize the graph of `parts`; equal parts give equal bytes."""
    graph = Graph()
    rows = _lookup(graph, parts)
    of = _of_dots(graph, parts, parts.dots, rows) if parts.dots else _logit(graph, parts, rows)
    outputs = [_probability(graph, of, layout.PROBABILITY)]
    outputs += [_task(graph, parts, place) for place in range(len(parts.tasks))]
    return _serialize(graph, parts.architecture, outputs)


def _logit(graph: Graph, parts: Parts, rows: str) -> str:
    mixed = _first_stage(graph, parts, rows)
    if parts.beside.inputs:
        mixed = add_beside(graph, parts, mixed)
    _split(graph, parts, mixed)
    logit = _tower(graph, parts, "tower_0")
    if parts.pairs:
        logit = _interactions(graph, parts, logit)
    last = _last(graph, parts, rows)
    return graph.node("Add", [logit, last], "logit") if last else logit


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


def _lookup(graph: Graph, parts: Parts) -> str:
    """Stored rows [batch, fields * (dim + 1)] of ids [batch, fields]."""
    heights = np.array(parts.heights[: parts.fields], np.int32)
    graph.input(layout.IDS, TensorProto.INT32, "batch", parts.fields)
    graph.constant("oov", heights - 1)
    graph.constant("offset", (np.cumsum(heights) - heights).astype(np.int32))
    graph.external(layout.TABLE_WEIGHTS, parts.table.rows)
    graph.node("Min", [layout.IDS, "oov"], "known")
    graph.node("Add", ["known", "offset"], "row")
    graph.node("Gather", [layout.TABLE_WEIGHTS, "row"], "rows")
    graph.integers("flat", -1, len(heights) * parts.table.rows.shape[1])
    return graph.node("Reshape", ["rows", "flat"], "flat_rows")


def _first_stage(graph: Graph, parts: Parts, rows: str) -> str:
    """First pre-activations, field sums and first order, [batch, hidden + dim + 1].

    A model without a tower has none of the first, one without first order none of the others.
    """
    table, width = parts.table, parts.table.rows.shape[1]
    first = parts.hidden[0] if parts.hidden else None
    columns = width if parts.folded else 0
    bias = np.concatenate([first.bias if first else [], np.zeros(columns)]).astype(np.float32)
    if isinstance(first, IntegerLinear):
        sums = table.multipliers[: parts.fields] if parts.folded else None
        matrix = first_matrix(graph, parts.fields, width, first.weight, sums)
        scale = np.concatenate([first.scale, table.steps[:columns]])
        zero = graph.constant("row_zero", np.uint8(ZERO))
        return _integer_product(graph, [rows, matrix, zero], scale, bias, "mixed")
    units = table.units[: parts.fields] if parts.folded else None
    matrix = first_matrix(graph, parts.fields, width, first.weight if first else None, units)
    if table.rows.dtype == np.uint8:
        graph.constant("one", np.float32(1))
        zero = graph.constant("row_zero", np.uint8(ZERO))
        rows = graph.node("DequantizeLinear", [rows, "one", zero], "units")
    return graph.node("Gemm", [rows, matrix, graph.constant("mixed_bias", bias)], "mixed")


def _integer_product(
    graph: Graph, inputs: list[str], scale: Constant, bias: Constant, name: str
) -> str:
    """Float [batch, outputs] of integer activations and weights; inputs end in the zero point."""
    graph.node("MatMulInteger", inputs, f"{name}_integer")
    graph.node("Cast", [f"{name}_integer"], f"{name}_count", to=TensorProto.FLOAT)
    graph.node("Mul", [f"{name}_count", graph.constant(f"{name}_scale", scale)], f"{name}_scaled")
    return graph.node("Add", [f"{name}_scaled", graph.constant(f"{name}_bias", bias)], name)


def _tower(graph: Graph, parts: Parts, x: str) -> str:
    """The tower's output with the model's bias [batch, 1], from the first pre-activations.

    Without a tower it is the bias [1].
    """
    if not parts.hidden:
        return graph.constant("output_bias", parts.output.bias)
    for i, layer in enumerate(parts.hidden[1:], start=1):
        if isinstance(layer, IntegerLinear):
            x = _integer_layer(graph, x, layer, parts.steps[i - 1], i)
        else:
            x = _float_layer(graph, x, layer, i)
    graph.node("Relu", [x], "last_hidden")
    graph.constant("output_weight", parts.output.weight[:, :1])
    graph.constant("output_bias", parts.output.bias[:1])
    return graph.node("Gemm", ["last_hidden", "output_weight", "output_bias"], "tower")


def _float_layer(graph: Graph, x: str, layer: FloatLinear, i: int) -> str:
    graph.node("Relu", [x], f"hidden_{i}")
    weight = graph.constant(f"weight_{i}", layer.weight)
    bias = graph.constant(f"bias_{i}", layer.bias)
    return graph.node("Gemm", [f"hidden_{i}", weight, bias], f"tower_{i}")


def _integer_layer(graph: Graph, x: str, layer: IntegerLinear, step: float, i: int) -> str:
    """Quantizing to uint8 with zero at 0 cuts negatives off: it is the ReLU."""
    if i == 1:
        graph.constant("hidden_zero", np.uint8(0))
    graph.constant(f"step_{i}", np.float32(step))
    graph.node("QuantizeLinear", [x, f"step_{i}", "hidden_zero"], f"hidden_{i}")
    weight = graph.constant(f"weight_{i}", layer.weight)
    inputs = [f"hidden_{i}", weight, "hidden_zero"]
    return _integer_product(graph, inputs, layer.scale * step, layer.bias, f"tower_{i}")


def _interactions(graph: Graph, parts: Parts, tower: str) -> str:
    """The tower and half the squared norm of the field sums, [batch, 1]."""
    graph.node("ReduceSumSquare", ["field_sums", graph.integers("columns", 1)], "norms")
    graph.node("Mul", ["norms", graph.constant("half", np.float32(0.5))], "interactions")
    both = graph.node("Add", [tower, "interactions"], "tower_and_interactions")
    if not parts.beside.inputs:
        return both
    return graph.node("Sub", [both, own_norms(graph, parts)], "tower_and_pairs")


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

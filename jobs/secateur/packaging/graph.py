"""The whole model as one ONNX graph, from feature ids to probabilities, in standard operators.

    rows  = table[min(ids, oov) + offset]            one row a field: embedding and first order
    mixed = flat(rows) @ [first layer | field sums]  one product for the whole first stage
    tower = ... relu(mixed[:hidden]) ...
    logit = tower + |sums|^2 / 2 + first order       (see `quantization`)

The matrix of the first product is assembled from its parts by nodes that a runtime folds when it
loads the graph, so that no structural zero is stored. The table is an external initializer: the
client unpacks `table.zst` and injects it. Activations between integer layers have fixed scales,
so that a candidate's score does not depend on its neighbours in the batch.
"""

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from secateur.packaging.parts import Parts
from secateur.packaging.quantization import FloatLinear, IntegerLinear
from secateur.serving import layout
from secateur.serving.tables import ZERO

OPSET = 21
IR_VERSION = 10

Constant = NDArray[np.generic] | np.generic


class Graph:
    """Nodes and initializers in the making; every method returns the name of what it adds."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []

    def constant(self, name: str, value: Constant) -> str:
        """Add an initializer."""
        self.initializers.append(numpy_helper.from_array(np.asarray(value, order="C"), name))
        return name

    def integers(self, name: str, *values: int) -> str:
        """Add an int64 [n] initializer: a shape, axes, lengths."""
        return self.constant(name, np.array(values, np.int64))

    def external(self, name: str, value: Constant) -> str:
        """Add an initializer whose bytes the client injects."""
        tensor = TensorProto(name=name, data_location=TensorProto.EXTERNAL, dims=value.shape)
        tensor.data_type = helper.np_dtype_to_tensor_dtype(value.dtype)
        tensor.external_data.add(key="location", value=name)
        self.initializers.append(tensor)
        return name

    def node(self, op: str, inputs: list[str], output: str, **attributes: int) -> str:
        """Add a node with one output."""
        self.nodes.append(helper.make_node(op, inputs, [output], output, **attributes))
        return output


def build(parts: Parts) -> bytes:
    """Serialize the graph of `parts`; equal parts give equal bytes."""
    graph = Graph()
    rows = _lookup(graph, parts)
    mixed = _first_stage(graph, parts, rows)
    hidden, dim = parts.hidden[0].bias.size, parts.table.rows.shape[1] - 1
    widths = graph.integers("widths", hidden, dim, 1)
    names = ["tower_0", "field_sums", "first_order"]
    graph.nodes.append(helper.make_node("Split", [mixed, widths], names, "split", axis=1))
    logit = _interactions(graph, _tower(graph, parts, names[0]))
    _probability(graph, logit)
    return _serialize(graph, len(parts.heights))


def _lookup(graph: Graph, parts: Parts) -> str:
    """Stored rows [batch, fields * (dim + 1)] of ids [batch, fields]."""
    heights = np.array(parts.heights, np.int32)
    graph.constant("oov", heights - 1)
    graph.constant("offset", (np.cumsum(heights) - heights).astype(np.int32))
    graph.external(layout.TABLE_WEIGHTS, parts.table.rows)
    graph.node("Min", [layout.IDS, "oov"], "known")
    graph.node("Add", ["known", "offset"], "row")
    graph.node("Gather", [layout.TABLE_WEIGHTS, "row"], "rows")
    graph.integers("flat", -1, len(heights) * parts.table.rows.shape[1])
    return graph.node("Reshape", ["rows", "flat"], "flat_rows")


def _first_stage(graph: Graph, parts: Parts, rows: str) -> str:
    """First pre-activations, field sums and first order, [batch, hidden + dim + 1]."""
    first, table = parts.hidden[0], parts.table
    width = table.rows.shape[1]
    bias = np.concatenate([first.bias, np.zeros(width, np.float32)])
    if isinstance(first, IntegerLinear):
        matrix = _first_matrix(graph, first.weight, len(parts.heights), table.multipliers)
        scale = np.concatenate([first.scale, table.steps])
        zero = graph.constant("row_zero", np.uint8(ZERO))
        return _integer_product(graph, [rows, matrix, zero], scale, bias, "mixed")
    matrix = _first_matrix(graph, first.weight, len(parts.heights), table.units)
    if table.rows.dtype == np.uint8:
        graph.constant("one", np.float32(1))
        zero = graph.constant("row_zero", np.uint8(ZERO))
        rows = graph.node("DequantizeLinear", [rows, "one", zero], "units")
    return graph.node("Gemm", [rows, matrix, graph.constant("mixed_bias", bias)], "mixed")


def _first_matrix(
    graph: Graph, weight: NDArray[np.generic], fields: int, sums: NDArray[np.generic]
) -> str:
    """Assemble [fields * (dim + 1), hidden + dim + 1] from the first layer and the field sums.

    The first-order row of every field is zero for the tower; column c of the field sums holds
    `sums[f, c]` where the row is field f's column c.
    """
    width, hidden = sums.shape[1], weight.shape[1]
    graph.constant("first_layer", weight.reshape(fields, width - 1, hidden))
    graph.constant("pad_value", np.zeros((), weight.dtype))
    graph.node("Pad", ["first_layer", graph.integers("pads", 0, 0, 0, 0, 1, 0), "pad_value"], "pad")
    graph.constant("identity", np.eye(width, dtype=sums.dtype))
    graph.constant("sum_weights", sums[:, None, :])
    graph.node("Mul", ["identity", "sum_weights"], "sums_wide")
    kind = helper.np_dtype_to_tensor_dtype(weight.dtype)
    graph.node("Cast", ["sums_wide"], "sums", to=kind)
    graph.node("Concat", ["pad", "sums"], "first_cube", axis=2)
    graph.integers("first_shape", fields * width, hidden + width)
    return graph.node("Reshape", ["first_cube", "first_shape"], "first_matrix")


def _integer_product(
    graph: Graph, inputs: list[str], scale: Constant, bias: Constant, name: str
) -> str:
    """Float [batch, outputs] of integer activations and weights; inputs end in the zero point."""
    graph.node("MatMulInteger", inputs, f"{name}_integer")
    graph.node("Cast", [f"{name}_integer"], f"{name}_count", to=TensorProto.FLOAT)
    graph.node("Mul", [f"{name}_count", graph.constant(f"{name}_scale", scale)], f"{name}_scaled")
    return graph.node("Add", [f"{name}_scaled", graph.constant(f"{name}_bias", bias)], name)


def _tower(graph: Graph, parts: Parts, x: str) -> str:
    """The tower's output with the model's bias [batch, 1], from the first pre-activations."""
    for i, layer in enumerate(parts.hidden[1:], start=1):
        if isinstance(layer, IntegerLinear):
            x = _integer_layer(graph, x, layer, parts.steps[i - 1], i)
        else:
            x = _float_layer(graph, x, layer, i)
    graph.node("Relu", [x], "last_hidden")
    graph.constant("output_weight", parts.output.weight)
    graph.constant("output_bias", parts.output.bias)
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


def _interactions(graph: Graph, tower: str) -> str:
    """Logits [batch, 1]."""
    graph.node("ReduceSumSquare", ["field_sums", graph.integers("columns", 1)], "norms")
    graph.node("Mul", ["norms", graph.constant("half", np.float32(0.5))], "interactions")
    graph.node("Add", [tower, "interactions"], "tower_and_interactions")
    return graph.node("Add", ["tower_and_interactions", "first_order"], "logit")


def _probability(graph: Graph, logit: str) -> None:
    graph.node("Sigmoid", [logit], "probabilities")
    graph.node("Reshape", ["probabilities", graph.integers("vector", -1)], layout.PROBABILITY)


def _serialize(graph: Graph, fields: int) -> bytes:
    ids = helper.make_tensor_value_info(layout.IDS, TensorProto.INT32, ["batch", fields])
    scores = helper.make_tensor_value_info(layout.PROBABILITY, TensorProto.FLOAT, ["batch"])
    proto = helper.make_graph(graph.nodes, "deepfm", [ids], [scores], graph.initializers)
    opset = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(
        proto, opset_imports=opset, ir_version=IR_VERSION, producer_name="secateur"
    )
    return bytes(model.SerializeToString(deterministic=True))

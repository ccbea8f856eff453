"""Graphs composed in values: what they compute, and that equal ones have equal bytes."""

import numpy as np
import onnx
import onnxruntime

from secateur.onnx_graph.graph import Graph
from secateur.onnx_graph.linear_layers import FloatLinear, at_bits, linear, relu_layers


def halves_apart() -> bytes:
    """Of rows [batch, 3] the first column, and the sum of the two others times 2."""
    graph = Graph()
    x = graph.input("x", np.float32, "batch", 3)
    first, others = graph.split(x, [1, 2])
    doubled = graph.op("Mul", others, graph.constant(np.float32(2)))
    total = graph.op("ReduceSum", doubled, graph.integers(1))
    flat = graph.integers(-1)
    outputs = {
        "first": graph.op("Reshape", first, flat),
        "total": graph.op("Reshape", total, flat),
    }
    return graph.serialize("halves", outputs)


def run(model: bytes, **inputs: np.ndarray) -> list[np.ndarray]:
    return onnxruntime.InferenceSession(model).run(None, inputs)


def test_operators_take_values_and_give_one() -> None:
    x = np.arange(12, dtype=np.float32).reshape(4, 3)
    first, total = run(halves_apart(), x=x)
    assert first.tolist() == [0, 3, 6, 9]
    assert total.tolist() == [6, 18, 30, 42]


def test_inputs_and_outputs_have_their_names_and_equal_graphs_equal_bytes() -> None:
    assert halves_apart() == halves_apart()
    proto = onnx.load_model_from_string(halves_apart())
    onnx.checker.check_model(proto, full_check=True)
    assert [one.name for one in proto.graph.input] == ["x"]
    assert [one.name for one in proto.graph.output] == ["first", "total"]
    names = [output for node in proto.graph.node for output in node.output]
    assert len(set(names)) == len(names)


def test_equal_constants_are_stored_once() -> None:
    graph = Graph()
    x = graph.input("x", np.int64, "batch")
    same = [graph.integers(1, 2), graph.constant(np.array([1, 2]))]
    assert same[0] is same[1]
    assert graph.integers(1, 2) is not graph.constant(np.array([1, 2], np.int32))
    assert graph.integers(1) is not graph.constant(np.array(1))  # a scalar
    y = graph.cast(graph.op("Reshape", x, graph.integers(-1)), np.float32)
    proto = onnx.load_model_from_string(graph.serialize("g", {"y": y}))
    assert len(proto.graph.initializer) == 5


def test_an_external_initializer_is_injected() -> None:
    graph = Graph()
    table = graph.external("table", np.dtype(np.float32), 3, 2)
    ids = graph.input("ids", np.int64, "batch")
    rows = graph.op("ReduceSum", graph.op("Gather", table, ids), graph.integers(1), keepdims=0)
    model = graph.serialize("g", {"sums": rows})
    options = onnxruntime.SessionOptions()
    values = np.array([[1, 2], [3, 4], [5, 6]], np.float32)
    options.add_external_initializers(["table"], [onnxruntime.OrtValue.ortvalue_from_numpy(values)])
    session = onnxruntime.InferenceSession(model, options)
    assert session.run(None, {"ids": np.array([2, 0])})[0].tolist() == [11, 3]


def test_layers_of_integers_compute_what_their_integers_are_worth() -> None:
    dice = np.random.default_rng(0)
    layer = FloatLinear(
        dice.normal(size=(4, 3)).astype(np.float32), dice.normal(size=3).astype(np.float32)
    )
    output = FloatLinear(np.ones((3, 1), np.float32), np.zeros(1, np.float32))
    x = dice.normal(size=(5, 4)).astype(np.float32)
    for bits, error in ((32, 1e-5), (8, 0.05), (4, 0.6)):
        (stored,) = at_bits([layer], bits)
        worth = stored.weight * getattr(stored, "scale", 1)
        assert len(np.unique(stored.weight)) <= 1 << bits
        graph = Graph()
        hidden = relu_layers(graph, graph.input("x", np.float32, "batch", 4), [stored])
        total = graph.op("Reshape", linear(graph, hidden, output), graph.integers(-1))
        (found,) = run(graph.serialize("g", {"total": total}), x=x)
        expected = np.maximum(x @ worth + layer.bias, 0).sum(axis=1)
        assert np.allclose(found, expected, atol=1e-5)
        exact = np.maximum(x @ layer.weight + layer.bias, 0).sum(axis=1)
        assert np.abs(found - exact).max() < error

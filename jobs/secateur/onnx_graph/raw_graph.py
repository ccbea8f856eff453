"""A graph of raw values that goes before a model's own: one ONNX file from values to scores."""

from collections.abc import Mapping, Sequence

import numpy as np
import onnx
import onnx_ir as ir

from secateur.onnx_graph.graph import Constant, Graph, Value

ML_DOMAIN, ML_OPSET = "ai.onnx.ml", 4
_PREFIX = "model/"


class RawGraph(Graph):
    """Inputs of raw values, and nodes that make a model's inputs of them."""

    def texts(self, name: str, *shape: str | int) -> Value:
        """Add an input of texts; a dimension that varies has a name."""
        return self.input(name, np.object_, *shape)

    def look_up(
        self, x: Value, keys: Sequence[str] | Sequence[int], values: Sequence[int], other: int
    ) -> Value:
        """Add a LabelEncoder: int32 `values` at the places of `x` among `keys`, else `other`."""
        kind = "keys_strings" if x.dtype == ir.DataType.STRING else "keys_int64s"
        attributes = {kind: [*keys], "values_int64s": [*values], "default_int64": other}
        found = self._tape.op("LabelEncoder", [x], attributes, domain=ML_DOMAIN)
        found.name = f"LabelEncoder_{len(self._tape.nodes)}"
        return self.cast(found, np.int32)

    def put_before(
        self, model: bytes, inputs: Mapping[str, Value], weights: Mapping[str, Constant]
    ) -> ir.Model:
        """`model` whose inputs, by their names, are values of this graph, which is used up.

        `weights` are its initializers whose bytes were kept outside it. Its own values are renamed,
        so that an input may be named as one of them, but not as an output.
        """
        whole: ir.Model = ir.from_proto(onnx.load_model_from_string(model))
        graph = whole.graph
        for name, weight in weights.items():
            graph.initializers[name].const_value = ir.tensor(np.asarray(weight), name=name)
        for value in list(graph.inputs):
            ir.convenience.replace_all_uses_with(value, inputs[value.name or ""])
        _rename(graph)
        first = graph[0]
        for node in list(self._tape.nodes):
            graph.insert_before(first, node)
        for value in self._tape.initializers:
            graph.register_initializer(value)
        graph.inputs.clear()
        graph.inputs.extend(self._inputs)
        graph.opset_imports[ML_DOMAIN] = ML_OPSET
        return whole


def _rename(graph: ir.Graph) -> None:
    """Give every value of a graph but its outputs a prefix, and its nodes the names of theirs."""
    outputs = {value.name for value in graph.outputs}
    values = list(graph.initializers.values())
    values += [value for node in graph for value in node.outputs if value.name not in outputs]
    for value in values:
        value.name = f"{_PREFIX}{value.name}"


def input_names(model: bytes) -> list[str]:
    """The names of a model's inputs."""
    return [value.name for value in onnx.load_model_from_string(model).graph.input]


def model_bytes(model: ir.Model, facts: Mapping[str, str]) -> bytes:
    """The bytes of a model that tells `facts` of itself; equal ones give equal bytes."""
    model.metadata_props.update(facts)
    proto = ir.to_proto(model)
    del proto.graph.value_info[:]
    for node in proto.graph.node:
        node.name = node.output[0]
    return bytes(proto.SerializeToString(deterministic=True))

"""DIN's activation units in a package's graph: a list's values, weighed by a field's, in float.

    weight = perceptron([v, t, v - t, v * t])     for each value v of the list, t the field's
    pooled = sum of weight v

Padding weighs nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from secateur.model.architectures.din.network import DIN
from secateur.model.architectures.linear_weights import hidden_and_output
from secateur.onnx_graph.architecture_graph import ArchitectureGraph, ListValues
from secateur.onnx_graph.graph import Graph, Value
from secateur.onnx_graph.linear_layers import FloatLinear


@dataclass(frozen=True)
class ActivationUnit:
    """A perceptron that weighs a list's values by the field at `target`."""

    hidden: tuple[FloatLinear, ...]
    output: FloatLinear
    target: int


@dataclass(frozen=True)
class AttentionGraph(ArchitectureGraph):
    """The activation units, by the places of the lists that they pool."""

    units: Mapping[int, ActivationUnit]

    def target(self, place: int) -> int | None:
        """The field whose vocabulary the list at this place shares."""
        return self.units[place].target if place in self.units else None

    def pool(self, graph: Graph, place: int, values: ListValues) -> Value:
        """The sum of the list's values [batch, dim], each times its weight."""
        unit = self.units[place]
        shape = graph.op("Shape", graph.op("Add", values.embeddings, values.target))
        v = graph.op("Expand", values.embeddings, shape)
        t = graph.op("Expand", values.target, shape)
        x = graph.op("Concat", v, t, graph.op("Sub", v, t), graph.op("Mul", v, t), axis=2)
        for layer in unit.hidden:
            x = graph.op("Relu", _linear(graph, x, layer))
        present = graph.op("Unsqueeze", values.present, graph.integers(2))
        weights = graph.op("Mul", _linear(graph, x, unit.output), present)
        weighed = graph.op("Mul", weights, v)
        return graph.op("ReduceSum", weighed, graph.integers(1), keepdims=0)


def graph_part(model: DIN, bits: int) -> AttentionGraph:
    """The units of a model, which stay float whatever the bits."""
    units = {}
    for place, target in enumerate(model.spec.targets):
        if target is not None:
            hidden, output = hidden_and_output(model.unit(place))
            units[place] = ActivationUnit(tuple(hidden), output, target)
    return AttentionGraph(units)


def _linear(graph: Graph, x: Value, layer: FloatLinear) -> Value:
    """Outputs [batch, length, outputs] of `x` [batch, length, inputs]."""
    product = graph.op("MatMul", x, graph.constant(layer.weight))
    return graph.op("Add", product, graph.constant(layer.bias))

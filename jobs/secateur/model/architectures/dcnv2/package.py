"""A cross network in a package's graph, computed in float whatever the bits of its weights."""

from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor

from secateur.model.architectures.dcnv2.network import DCNv2
from secateur.model.architectures.linear_weights import array_of, linear_weights
from secateur.model.architectures.recommender import Recommender
from secateur.model.architectures.tower import linears_of
from secateur.onnx_graph.architecture_graph import ArchitectureGraph, EmbeddedValues
from secateur.onnx_graph.graph import Graph, Value
from secateur.onnx_graph.linear_layers import Floats, Linear, at_bits, linear


@dataclass(frozen=True)
class CrossGraph(ArchitectureGraph):
    """Layers x_0 * (W x + b) + x, and the output's weights [flat_inputs, 1]."""

    layers: tuple[Linear, ...]
    output: Floats
    reads_whole = True

    def logit_term(self, graph: Graph, inputs: EmbeddedValues, last_hidden: Value | None) -> Value:
        """The cross network's output [batch, 1]."""
        crossed = self.last_cross_layer(graph, inputs.flat(graph))
        return graph.op("MatMul", crossed, graph.constant(self.output))

    def last_cross_layer(self, graph: Graph, first: Value) -> Value:
        """The last cross layer of `first`, [batch, flat_inputs] both."""
        x = first
        for layer in self.layers:
            x = graph.op("Add", graph.op("Mul", first, linear(graph, x, layer)), x)
        return x

    def stored_weights(self, model: Recommender) -> Iterator[tuple[Tensor, Linear]]:
        """The weights [inputs, outputs] of all layers, stored at these bits."""
        assert isinstance(model, DCNv2)  # noqa: S101 - of one architecture
        for layer, stored in zip(linears_of(model.cross), self.layers, strict=True):
            yield layer.weight.T, stored


def graph_part(model: DCNv2, bits: int) -> CrossGraph:
    """The cross network of a model, its layers stored at so many bits."""
    layers = at_bits(map(linear_weights, model.cross), bits)
    return CrossGraph(layers, array_of(model.cross_output.weight).T)

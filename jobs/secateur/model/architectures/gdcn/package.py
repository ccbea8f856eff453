"""A gated cross network in a package's graph, in float whatever the bits of its weights."""

from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor

from secateur.model.architectures.dcnv2.package import CrossGraph
from secateur.model.architectures.gdcn.network import GDCN
from secateur.model.architectures.linear_weights import array_of, linear_weights
from secateur.model.architectures.recommender import Recommender
from secateur.model.architectures.tower import linears_of
from secateur.onnx_graph.graph import Graph, Value
from secateur.onnx_graph.linear_layers import Linear, at_bits, float_weight, linear


@dataclass(frozen=True)
class GatedCrossGraph(CrossGraph):
    """Layers c_0 * (W c + b) * sigmoid(V c) + c; the gates V have no bias."""

    gates: tuple[Linear, ...] = ()

    def last_cross_layer(self, graph: Graph, first: Value) -> Value:
        """The last gated cross layer of `first`, [batch, flat_inputs] both."""
        x = first
        for layer, gate in zip(self.layers, self.gates, strict=True):
            opened = graph.op("Sigmoid", graph.op("MatMul", x, float_weight(graph, gate)))
            product = graph.op("Mul", first, linear(graph, x, layer))
            x = graph.op("Add", graph.op("Mul", product, opened), x)
        return x

    def stored_weights(self, model: Recommender) -> Iterator[tuple[Tensor, Linear]]:
        """The weights [inputs, outputs] of all layers, stored at these bits."""
        assert isinstance(model, GDCN)  # noqa: S101 - of one architecture
        yield from super().stored_weights(model)
        for gate, stored in zip(linears_of(model.gates), self.gates, strict=True):
            yield gate.weight.T, stored


def graph_part(model: GDCN, bits: int) -> GatedCrossGraph:
    """The gated cross network of a model, its layers stored at so many bits."""
    layers = at_bits(map(linear_weights, model.cross), bits)
    gates = at_bits(map(linear_weights, model.gates), bits)
    return GatedCrossGraph(layers, array_of(model.cross_output.weight).T, gates)

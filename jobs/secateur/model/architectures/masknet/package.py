"""MaskNet's blocks in a package's graph, in float whatever the bits of their weights."""

from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor

from secateur.model.architectures.linear_weights import array_of, hidden_and_output, linear_weights
from secateur.model.architectures.masknet.network import MaskNet
from secateur.model.architectures.recommender import Recommender
from secateur.model.architectures.tower import linears_of
from secateur.onnx_graph.architecture_graph import ArchitectureGraph, EmbeddedValues
from secateur.onnx_graph.graph import Graph, Value
from secateur.onnx_graph.linear_layers import (
    Floats,
    Linear,
    at_bits,
    float_weight,
    linear,
    relu_layers,
)


@dataclass(frozen=True)
class MaskBlock:
    """relu(layer_norm(W (mask(x) * x))): the mask's layers, W, and the norm.

    `scale` and `shift` float32 [block_width] are the norm's; W has no bias.
    """

    aggregation: tuple[Linear, ...]
    projection: Linear
    layer: Linear
    scale: Floats
    shift: Floats
    epsilon: float

    def build(self, graph: Graph, x: Value) -> Value:
        """What the block gives [batch, block_width] of all inputs side by side [batch, inputs]."""
        mask = linear(graph, relu_layers(graph, x, self.aggregation), self.projection)
        masked = graph.op("MatMul", graph.op("Mul", mask, x), float_weight(graph, self.layer))
        norm = [graph.constant(self.scale), graph.constant(self.shift)]
        normalised = graph.op("LayerNormalization", masked, *norm, axis=-1, epsilon=self.epsilon)
        return graph.op("Relu", normalised)


@dataclass(frozen=True)
class MaskGraph(ArchitectureGraph):
    """The parallel blocks, which the tower reads side by side."""

    blocks: tuple[MaskBlock, ...]
    reads_whole = True
    computes_first_layer = True

    def first_layer(self, graph: Graph, inputs: EmbeddedValues, layer: Linear) -> Value:
        """The tower's first pre-activations [batch, hidden]."""
        x = inputs.flat(graph)
        blocks = [block.build(graph, x) for block in self.blocks]
        return linear(graph, graph.op("Concat", *blocks, axis=1), layer)

    def stored_weights(self, model: Recommender) -> Iterator[tuple[Tensor, Linear]]:
        """The weights [inputs, outputs] of all layers, stored at these bits."""
        assert isinstance(model, MaskNet)  # noqa: S101 - of one architecture
        for (mask, layer, _), block in zip(model.parts(), self.blocks, strict=True):
            stored = (*block.aggregation, block.projection, block.layer)
            for one, integers in zip((*linears_of(mask.layers), layer), stored, strict=True):
                yield one.weight.T, integers


def graph_part(model: MaskNet, bits: int) -> MaskGraph:
    """The blocks of a model, their layers stored at so many bits."""
    blocks = []
    for mask, layer, norm in model.parts():
        hidden, output = hidden_and_output(mask)
        *aggregation, projection, own = at_bits([*hidden, output, linear_weights(layer)], bits)
        scale, shift = array_of(norm.weight), array_of(norm.bias)
        blocks.append(MaskBlock(tuple(aggregation), projection, own, scale, shift, norm.eps))
    return MaskGraph(tuple(blocks))

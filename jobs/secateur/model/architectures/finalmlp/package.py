"""A FinalMLP's second tower and the fusion in a package's graph, in float.

second = ... relu(x W) ...      x are the embeddings of all inputs, and the numbers
added  = second's output + (last_hidden F) . second's last hidden neurons
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from secateur.model.architectures.finalmlp.network import FinalMLP
from secateur.model.architectures.linear_weights import array_of, hidden_and_output
from secateur.model.architectures.recommender import Recommender
from secateur.model.architectures.tower import linears_of
from secateur.onnx_graph.architecture_graph import ArchitectureGraph, EmbeddedValues
from secateur.onnx_graph.graph import Graph, Value
from secateur.onnx_graph.linear_layers import (
    FloatLinear,
    Linear,
    at_bits,
    float_weight,
    linear,
    relu_layers,
)


@dataclass(frozen=True)
class FusionGraph(ArchitectureGraph):
    """A second tower, and how it meets the first.

    `matrix` [last hidden neurons of the first, those of the second] has a bias of zeros.
    """

    hidden: tuple[Linear, ...]
    output: FloatLinear
    matrix: Linear
    reads_whole = True

    def logit_term(self, graph: Graph, inputs: EmbeddedValues, last_hidden: Value | None) -> Value:
        """The second tower's output and the fusion of both, [batch, 1]."""
        assert last_hidden is not None  # noqa: S101 - of this architecture both towers have layers
        second = relu_layers(graph, inputs.flat(graph), self.hidden)
        fused = graph.op("MatMul", last_hidden, float_weight(graph, self.matrix))
        products = graph.op("ReduceSum", graph.op("Mul", fused, second), graph.integers(1))
        return graph.op("Add", linear(graph, second, self.output), products)

    def stored_weights(self, model: Recommender) -> Iterator[tuple[Tensor, Linear]]:
        """The weights [inputs, outputs] of all layers, stored at these bits."""
        assert isinstance(model, FinalMLP)  # noqa: S101 - of one architecture
        hidden = linears_of(model.second.layers[:-1])
        for layer, stored in zip(hidden, self.hidden, strict=True):
            yield layer.weight.T, stored
        yield model.fusion, self.matrix


def graph_part(model: FinalMLP, bits: int) -> FusionGraph:
    """The second tower and the fusion of a model, stored at so many bits."""
    hidden, output = hidden_and_output(model.second)
    weight = array_of(model.fusion)
    (matrix,) = at_bits([FloatLinear(weight, np.zeros(weight.shape[1], np.float32))], bits)
    return FusionGraph(at_bits(hidden, bits), output, matrix)

"""A DLRM's tower input in a package's graph, in float.

The numbers become one more embedding; the tower reads that one and the dot products of all pairs,
or all embeddings side by side.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from secateur.model.architectures.dlrm.network import DLRM
from secateur.model.architectures.linear_weights import linear_weights
from secateur.model.architectures.recommender import Recommender
from secateur.model.architectures.tower import linears_of
from secateur.onnx_graph.architecture_graph import ArchitectureGraph, EmbeddedValues
from secateur.onnx_graph.graph import Graph, Value
from secateur.onnx_graph.linear_layers import Linear, at_bits, linear, relu_layers


@dataclass(frozen=True)
class InteractionGraph(ArchitectureGraph):
    """The layers that make one embedding of `dim` of all numbers; none where there are no numbers.

    With `pairs` the tower reads the dot products of all `embeddings`, else the embeddings.
    """

    bottom: tuple[Linear, ...]
    embeddings: int
    dim: int
    pairs: bool
    reads_whole = True
    computes_first_layer = True

    def first_layer(self, graph: Graph, inputs: EmbeddedValues, layer: Linear) -> Value:
        """The tower's first pre-activations [batch, hidden]."""
        own = []
        if inputs.numbers is not None:
            own = [relu_layers(graph, inputs.numbers, self.bottom)]
        x = graph.op("Concat", *own, inputs.embeddings, axis=1)
        if self.pairs:
            x = graph.op("Concat", *own, self._dot_products(graph, x), axis=1)
        return linear(graph, x, layer)

    def _dot_products(self, graph: Graph, flat: Value) -> Value:
        """The dot product of every pair of embeddings, [batch, pairs]."""
        n = self.embeddings
        cube = graph.op("Reshape", flat, graph.integers(-1, n, self.dim))
        turned = graph.op("Transpose", cube, perm=[0, 2, 1])
        products = graph.op("MatMul", cube, turned)
        every = graph.op("Reshape", products, graph.integers(-1, n * n))
        first, second = np.triu_indices(n, k=1)
        places = graph.constant((first * n + second).astype(np.int64))
        return graph.op("Gather", every, places, axis=1)

    def stored_weights(self, model: Recommender) -> Iterator[tuple[Tensor, Linear]]:
        """The weights [inputs, outputs] of all layers, stored at these bits."""
        assert isinstance(model, DLRM)  # noqa: S101 - of one architecture
        for layer, stored in zip(linears_of(model.bottom), self.bottom, strict=True):
            yield layer.weight.T, stored


def graph_part(model: DLRM, bits: int) -> InteractionGraph:
    """What a model makes of its embeddings, the bottom's layers stored at so many bits."""
    bottom, spec = at_bits(map(linear_weights, model.bottom), bits), model.spec
    embeddings = spec.embedding_count + bool(bottom)
    return InteractionGraph(bottom, embeddings, spec.embedding_dim, model.own.interaction == "dot")

"""What an architecture computes of its own in a package's graph, and the values that it reads.

The package computes what all architectures share: the rows of ids, lists and vectors, the tower
over them, first order and pairs. The rest is an architecture's, in its folder's `package.py`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from secateur.onnx_graph.graph import Graph, Value
from secateur.onnx_graph.linear_layers import Linear

if TYPE_CHECKING:
    from torch import Tensor

    from secateur.model.architectures.recommender import Recommender


@dataclass(frozen=True)
class EmbeddedValues:
    """Every input of a batch, in float.

    `embeddings` [batch, embedded * dim] of ids, lists and vectors side by side, `numbers`
    [batch, numbers], None where there are none.
    """

    embeddings: Value
    numbers: Value | None

    def flat(self, graph: Graph) -> Value:
        """What a tower reads: embeddings, then numbers, [batch, flat_inputs]."""
        every = [self.embeddings] if self.numbers is None else [self.embeddings, self.numbers]
        return graph.op("Concat", *every, axis=1)


@dataclass(frozen=True)
class ListValues:
    """The values of a list, in float: one row for all candidates, or a row a candidate.

    `embeddings` [rows, length, dim], `present` [rows, length] 1 for values and 0 for padding,
    `target` [batch, 1, dim] the embedding of the field whose vocabulary the list shares.
    """

    embeddings: Value
    present: Value
    target: Value


class ArchitectureGraph:
    """The part of an architecture that adds nothing to what all share.

    One that `reads_whole` reads all embeddings of a candidate together, so that those of a
    request's columns cannot be multiplied once for all candidates. It gives a `logit_term`, or
    where it `computes_first_layer` the `first_layer`.
    """

    reads_whole = False
    computes_first_layer = False

    def first_layer(self, graph: Graph, inputs: EmbeddedValues, layer: Linear) -> Value:
        """The pre-activations [batch, hidden] of the tower's first `layer`, which reads floats."""
        raise NotImplementedError

    def logit_term(self, graph: Graph, inputs: EmbeddedValues, last_hidden: Value | None) -> Value:
        """What is added to the label's logit, [batch, 1].

        `last_hidden` [batch, width] is what the tower's last hidden layer gives, if there is one.
        """
        raise NotImplementedError

    def stored_weights(self, model: "Recommender") -> Iterator[tuple["Tensor", Linear]]:
        """The weights [inputs, outputs] in such a model, beside the layer that stores each.

        Those of layers that stay float at all bits may be left out.
        """
        return iter(())

    def target(self, place: int) -> int | None:
        """The field by which the list at this place is pooled; None where it is a mean."""
        return None

    def pool(self, graph: Graph, place: int, values: ListValues) -> Value:
        """The embedding [batch, dim] of the list at this place, which has a target."""
        raise NotImplementedError

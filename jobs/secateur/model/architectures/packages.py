"""Which architecture computes what of its own in a package's graph.

Apart from the registry, which training reads: what is packaged otherwise is trained alike.
"""

from collections.abc import Callable
from typing import Any

from secateur.contracts.models import Architecture
from secateur.model.architectures.dcnv2.package import CrossGraph
from secateur.model.architectures.din.package import AttentionGraph
from secateur.model.architectures.dlrm.package import InteractionGraph
from secateur.model.architectures.finalmlp.package import FusionGraph
from secateur.model.architectures.recommender import Recommender
from secateur.onnx_graph.architecture_graph import ArchitectureGraph

GRAPHS: dict[Architecture, Callable[[Any, int], ArchitectureGraph]] = {
    "dcnv2": CrossGraph.of,
    "dlrm": InteractionGraph.of,
    "finalmlp": FusionGraph.of,
    "din": AttentionGraph.of,
}


def graph_of(model: Recommender, bits: int) -> ArchitectureGraph:
    """What the model's architecture adds to the graph, its layers of weights of so many bits."""
    make = GRAPHS.get(model.spec.architecture)
    return make(model, bits) if make else ArchitectureGraph()

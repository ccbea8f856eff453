"""What each architecture adds to a package's graph.

Part of the registry, apart from `registry.py`: training reads that, and a change of packages must
not train models anew.
"""

from collections.abc import Callable
from typing import Any

from secateur.model.architectures.dcnv2 import package as dcnv2
from secateur.model.architectures.din import package as din
from secateur.model.architectures.dlrm import package as dlrm
from secateur.model.architectures.finalmlp import package as finalmlp
from secateur.model.architectures.gdcn import package as gdcn
from secateur.model.architectures.masknet import package as masknet
from secateur.model.architectures.recommender import Recommender
from secateur.onnx_graph.architecture_graph import ArchitectureGraph

PARTS: dict[str, Callable[[Any, int], ArchitectureGraph]] = {
    "dcnv2": dcnv2.graph_part,
    "gdcn": gdcn.graph_part,
    "dlrm": dlrm.graph_part,
    "masknet": masknet.graph_part,
    "finalmlp": finalmlp.graph_part,
    "din": din.graph_part,
}


def graph_of(model: Recommender, bits: int) -> ArchitectureGraph:
    """What the model's architecture adds to the graph, its layers of weights of so many bits."""
    make = PARTS.get(model.spec.architecture)
    return make(model, bits) if make else ArchitectureGraph()

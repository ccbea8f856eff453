"""What a scenario may say of a network: every architecture's name, shapes and settings.

Nothing here needs torch, so that a scenario is checked without it. The networks themselves are in
`registry.py`.
"""

from dataclasses import fields
from typing import Any, Literal

from secateur.contracts.errors import CorruptArtifact
from secateur.contracts.models import ModelSpec
from secateur.model.architectures.dcnv2.spec import CrossSettings, CrossShapes
from secateur.model.architectures.din.spec import AttentionSettings, AttentionShapes
from secateur.model.architectures.dlrm.spec import InteractionSettings, InteractionShapes
from secateur.model.architectures.factorization_machine.spec import PairShapes
from secateur.model.architectures.finalmlp.spec import TwoTowerShapes
from secateur.model.architectures.gdcn.spec import GatedCrossShapes
from secateur.model.architectures.logistic_regression.spec import FirstOrderShapes
from secateur.model.architectures.masknet.spec import MaskSettings, MaskShapes
from secateur.model.architectures.shapes import Shapes
from secateur.section import Fraction, Positive, Section

Architecture = Literal["lr", "fm", "deepfm", "dcnv2", "gdcn", "dlrm", "masknet", "finalmlp", "din"]
LINEAR: Architecture = "lr"  # what a deep model must beat
SHAPES: dict[str, Shapes[Any, Any]] = {
    "lr": FirstOrderShapes(),
    "fm": PairShapes(),
    "deepfm": Shapes(),
    "dcnv2": CrossShapes(),
    "gdcn": GatedCrossShapes(),
    "dlrm": InteractionShapes(),
    "masknet": MaskShapes(),
    "finalmlp": TwoTowerShapes(),
    "din": AttentionShapes(),
}
_OWN_KEYS = {one.name for shapes in SHAPES.values() for one in fields(shapes.own_kind)}


def shapes_of(architecture: str) -> Shapes[Any, Any]:
    """What the shapes of an architecture follow from. Raises CorruptArtifact for another name."""
    if architecture not in SHAPES:
        known = ", ".join(SHAPES)
        raise CorruptArtifact(f"{architecture!r} is no architecture that this code knows: {known}")
    return SHAPES[architecture]


def without_foreign_keys(spec: ModelSpec) -> ModelSpec:
    """The spec with its architecture's own part alone: older ones hold defaults of the others'.

    Raises CorruptArtifact where it holds what no architecture knows.
    """
    unknown = sorted(set(spec.own) - _OWN_KEYS)
    if unknown:
        raise CorruptArtifact(f"the spec of a {spec.architecture} has unknown keys {unknown}")
    shapes = shapes_of(spec.architecture)
    return shapes.with_own(spec, shapes.own(spec))


class SharedSettings(Section):
    """What a scenario says of every network."""

    architecture: Architecture = "deepfm"
    """The network: `model/architectures/` has a folder for each."""
    embedding_dim: Positive = 16
    """Width of an embedding (all but lr)."""
    hidden: tuple[Positive, ...] = (400, 400, 400)
    """Widths of the tower's hidden layers (all but lr and fm); finalmlp has two such towers."""
    dropout: Fraction = 0.0
    """Share of the hidden neurons that are left out at each step."""
    batch_norm: bool = False
    """Normalise the hidden neurons while training; the trained model has it folded in."""


# The first base's keys stand last in the scenario reference.
class NetworkSettings(
    MaskSettings, AttentionSettings, InteractionSettings, CrossSettings, SharedSettings
):
    """What a scenario says of its network; keys of other architectures than its own are unread."""

    @property
    def has_tower(self) -> bool:
        """Whether the network has hidden layers."""
        return SHAPES[self.architecture].has_tower

    @property
    def pools_by_weights(self) -> bool:
        """Whether the network has weights inside of its lists."""
        return SHAPES[self.architecture].pools_by_weights

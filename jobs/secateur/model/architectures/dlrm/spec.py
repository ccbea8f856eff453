"""The settings and the shapes of a DLRM: its tower reads how all embeddings meet."""

from dataclasses import dataclass
from typing import Literal

from secateur.contracts.errors import ScenarioError
from secateur.contracts.models import ModelSpec
from secateur.model.architectures.shapes import Shapes
from secateur.section import Positive, Section

Interaction = Literal["dot", "cat"]


class InteractionSettings(Section):
    """What a scenario says of how inputs meet."""

    bottom: tuple[Positive, ...] = (64,)
    """Widths of the hidden layers that read the numbers (dlrm)."""
    interaction: Interaction = "dot"
    """What the tower of dlrm reads: the dot products of the embeddings, or the embeddings
    themselves, side by side (`cat`)."""


@dataclass(frozen=True)
class InteractionSpec:
    """`bottom` are the hidden widths of what makes one embedding of all numbers."""

    bottom: tuple[int, ...] = ()
    interaction: Interaction = "dot"


class InteractionShapes(Shapes[InteractionSettings, InteractionSpec]):
    """What follows from an `InteractionSpec`."""

    own_kind = InteractionSpec

    def own_of(self, spec: ModelSpec, settings: InteractionSettings) -> InteractionSpec:
        """The bottom, where there are numbers, and how embeddings meet."""
        return InteractionSpec(settings.bottom if spec.numbers else (), settings.interaction)

    def check(self, spec: ModelSpec) -> None:
        """Raise ScenarioError where there is no pair of inputs to learn from."""
        super().check(spec)
        if not self.tower_inputs(spec):
            name = spec.architecture
            raise ScenarioError(f"{name} learns from pairs of inputs, but there is one input alone")

    def tower_inputs(self, spec: ModelSpec) -> int:
        """The numbers' embedding, then the others, or the dot product of every pair."""
        embeddings = spec.embedding_count + bool(spec.numbers)
        if self.own(spec).interaction == "cat":
            return embeddings * spec.embedding_dim
        numbers = spec.embedding_dim if spec.numbers else 0
        return numbers + embeddings * (embeddings - 1) // 2

"""The settings and the shapes of a cross network beside a tower."""

from dataclasses import dataclass

from secateur.contracts.models import ModelSpec
from secateur.model.architectures.shapes import Shapes
from secateur.section import Positive, Section


class CrossSettings(Section):
    """What a scenario says of a cross network."""

    cross_layers: Positive = 3
    """Cross layers (dcnv2, gdcn)."""


@dataclass(frozen=True)
class CrossSpec:
    """`cross_layers` matrices of all inputs side by side, squared."""

    cross_layers: int = 0


class CrossShapes(Shapes[CrossSettings, CrossSpec]):
    """What follows from a `CrossSpec`."""

    own_kind = CrossSpec
    matrices_a_layer = 1

    def own_of(self, spec: ModelSpec, settings: CrossSettings) -> CrossSpec:
        """The number of cross layers."""
        return CrossSpec(settings.cross_layers)

    def multiply_adds(self, spec: ModelSpec) -> int:
        """Multiply-adds of the tower, and of every cross layer."""
        of_cross = self.matrices_a_layer * self.own(spec).cross_layers * spec.flat_inputs**2
        return of_cross + super().multiply_adds(spec)

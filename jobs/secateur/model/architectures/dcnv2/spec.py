"""The shapes of a cross network beside a tower."""

from dataclasses import replace

from secateur.contracts.models import ModelSpec
from secateur.model.architectures.shapes import Shapes
from secateur.scenario import Training


class CrossShapes(Shapes):
    """`cross_layers` matrices of all inputs side by side, squared."""

    matrices_a_layer = 1

    def with_own(self, spec: ModelSpec, training: Training) -> ModelSpec:
        """The number of cross layers."""
        return replace(spec, cross_layers=training.cross_layers)

    def multiply_adds(self, spec: ModelSpec) -> int:
        """Multiply-adds of the tower, and of every cross layer."""
        of_cross = self.matrices_a_layer * spec.cross_layers * spec.flat_inputs**2
        return of_cross + super().multiply_adds(spec)

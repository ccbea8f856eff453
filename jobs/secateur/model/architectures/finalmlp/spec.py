"""The shapes of two towers over the same embeddings."""

from dataclasses import replace

from secateur.contracts.models import ModelSpec
from secateur.model.architectures.shapes import Shapes, multiply_adds_of
from secateur.scenario import Training


class TwoTowerShapes(Shapes):
    """`second` are the hidden widths of the second tower."""

    def with_own(self, spec: ModelSpec, training: Training) -> ModelSpec:
        """A second tower as wide as the first."""
        return replace(spec, second=training.hidden)

    def of_student(self, student: ModelSpec, dense: ModelSpec) -> ModelSpec:
        """Both of the student's towers are as wide as its first."""
        return replace(student, second=student.hidden)

    def multiply_adds(self, spec: ModelSpec) -> int:
        """Multiply-adds of both towers."""
        return super().multiply_adds(spec) + multiply_adds_of(spec.flat_inputs, spec.second)

"""The shapes of two towers over the same embeddings."""

from dataclasses import replace

from secateur.contracts.models import ModelSpec
from secateur.model.architectures.shapes import NoSpec, Shapes, multiply_adds_of
from secateur.section import Section


class TwoTowerShapes(Shapes[Section, NoSpec]):
    """The spec's `second` are the hidden widths of the second tower."""

    def second_of(self, spec: ModelSpec, settings: Section) -> tuple[int, ...]:
        """A second tower as wide as the first."""
        return spec.hidden

    def of_student(self, student: ModelSpec, dense: ModelSpec) -> ModelSpec:
        """Both of the student's towers are as wide as its first."""
        return replace(student, second=student.hidden)

    def multiply_adds(self, spec: ModelSpec) -> int:
        """Multiply-adds of both towers."""
        return super().multiply_adds(spec) + multiply_adds_of(spec.flat_inputs, spec.second)

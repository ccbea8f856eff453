"""The shapes of parallel mask blocks below a tower."""

from dataclasses import replace

from secateur.contracts.models import ModelSpec
from secateur.model.architectures.shapes import Shapes, multiply_adds_of
from secateur.scenario import Training


class MaskShapes(Shapes):
    """`second` has the aggregation width of every block's mask, `block_width` what a block gives.

    The tower reads all blocks side by side.
    """

    def with_own(self, spec: ModelSpec, training: Training) -> ModelSpec:
        """Aggregation layers `mask_ratio` times as wide as the inputs side by side."""
        width = max(1, round(training.mask_ratio * spec.flat_inputs))
        return replace(
            spec, second=(width,) * training.mask_blocks, block_width=training.mask_block_width
        )

    def tower_inputs(self, spec: ModelSpec) -> int:
        """Width of all blocks side by side."""
        return len(spec.second) * spec.block_width

    def multiply_adds(self, spec: ModelSpec) -> int:
        """Multiply-adds of the tower, the masks, and the blocks' layers over the masked inputs."""
        flat = spec.flat_inputs
        masks = sum(multiply_adds_of(flat, (width,), flat) for width in spec.second)
        return super().multiply_adds(spec) + masks + flat * self.tower_inputs(spec)

    def of_student(self, student: ModelSpec, dense: ModelSpec) -> ModelSpec:
        """The student's masks are as much wider than its inputs as those of `dense`."""
        share = student.flat_inputs / dense.flat_inputs
        widths = (max(1, round(width * share)) for width in dense.second)
        return replace(student, second=tuple(widths))

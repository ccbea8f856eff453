"""The settings and the shapes of parallel mask blocks below a tower."""

from dataclasses import dataclass, replace
from typing import Annotated

from pydantic import Field

from secateur.contracts.models import ModelSpec
from secateur.model.architectures.shapes import Shapes, multiply_adds_of
from secateur.section import Positive, Section


class MaskSettings(Section):
    """What a scenario says of mask blocks."""

    mask_blocks: Positive = 3
    """Parallel blocks, each with a mask of its own (masknet)."""
    mask_block_width: Positive = 64
    """Neurons of every block, which the tower reads side by side (masknet)."""
    mask_ratio: Annotated[float, Field(gt=0)] = 1.0
    """Width of a mask's hidden layer over that of all inputs side by side (masknet)."""


@dataclass(frozen=True)
class MaskSpec:
    """`block_width` is what a block gives.

    The spec's `second` has the aggregation width of every block's mask, and so their number.
    """

    block_width: int = 0


class MaskShapes(Shapes[MaskSettings, MaskSpec]):
    """The tower reads all blocks side by side."""

    own_kind = MaskSpec

    def own_of(self, spec: ModelSpec, settings: MaskSettings) -> MaskSpec:
        """The width of every block."""
        return MaskSpec(settings.mask_block_width)

    def second_of(self, spec: ModelSpec, settings: MaskSettings) -> tuple[int, ...]:
        """Aggregation layers `mask_ratio` times as wide as the inputs side by side."""
        width = max(1, round(settings.mask_ratio * spec.flat_inputs))
        return (width,) * settings.mask_blocks

    def tower_inputs(self, spec: ModelSpec) -> int:
        """Width of all blocks side by side."""
        return len(spec.second) * self.own(spec).block_width

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

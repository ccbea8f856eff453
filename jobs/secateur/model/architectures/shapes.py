"""An architecture's shapes: which training settings it reads, and what follows from them.

What is here holds for a tower over all inputs side by side; an architecture overrides what it has
otherwise in its folder's `spec.py`. Nothing here needs torch.
"""

import itertools
from collections.abc import Sequence

from secateur.contracts.features import FeatureSchema
from secateur.contracts.models import ModelSpec
from secateur.scenario import Training


class Shapes:
    """The shapes of a tower over all embeddings side by side, then the numbers as they are."""

    has_embeddings = True

    def with_own(self, spec: ModelSpec, training: Training) -> ModelSpec:
        """Add to the shapes of inputs and tower, `spec`, those that only the architecture has."""
        return spec

    def check(self, schema: FeatureSchema, training: Training) -> None:
        """Raise ScenarioError where the architecture cannot learn from such a schema.

        What all architectures need, `scenario/cross_section_rules.py` has seen to.
        """

    def tower_inputs(self, spec: ModelSpec) -> int:
        """Width of what the tower reads."""
        return spec.flat_inputs

    def multiply_adds(self, spec: ModelSpec) -> int:
        """Multiply-adds of one row in towers and in what the architecture has of its own."""
        return multiply_adds_of(self.tower_inputs(spec), spec.hidden)

    def of_student(self, student: ModelSpec, dense: ModelSpec) -> ModelSpec:
        """Fit to the tower of a `student` what it so far has as the `dense` model has it."""
        return student


def multiply_adds_of(inputs: int, hidden: Sequence[int], outputs: int = 1) -> int:
    """Multiply-adds of one row in a tower; 0 without hidden layers."""
    widths = (inputs, *hidden, outputs) if hidden else ()
    return sum(a * b for a, b in itertools.pairwise(widths))

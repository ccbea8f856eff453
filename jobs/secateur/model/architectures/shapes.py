"""An architecture's shapes: which settings it reads, and what follows from them.

What is here holds for a tower over all inputs side by side; an architecture says in its folder's
`spec.py` what it has otherwise. Nothing here, nor there, needs torch.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Generic, TypeVar

from secateur.contracts import record
from secateur.contracts.models import ModelSpec
from secateur.section import Section

Settings = TypeVar("Settings", bound=Section)
Own = TypeVar("Own")


@dataclass(frozen=True)
class NoSpec:
    """The spec of an architecture that has no shapes of its own."""


class Shapes(Generic[Settings, Own]):
    """The shapes of a tower over all embeddings side by side, then the numbers as they are.

    `Settings` are the keys of `[training]` that only this architecture has, `Own` is the part of
    the spec that follows from them: a frozen dataclass, whose defaults stand for what an older
    spec does not say.
    """

    own_kind: type[Any] = NoSpec
    has_embeddings = True
    has_tower = True
    pools_by_weights = False  # whether what a list becomes is learned, too

    def own(self, spec: ModelSpec) -> Own:
        """The architecture's own part of a spec. Raises CorruptArtifact where types are others."""
        names = {one.name for one in fields(self.own_kind)}
        held = {name: value for name, value in spec.own.items() if name in names}
        own: Own = record.from_plain(self.own_kind, record.plain(held), spec.architecture)
        return own

    def with_own(self, spec: ModelSpec, own: Own) -> ModelSpec:
        """The spec with this own part, and nothing of other architectures."""
        return replace(
            spec, own={one.name: getattr(own, one.name) for one in fields(self.own_kind)}
        )

    def complete(self, spec: ModelSpec, settings: Settings) -> ModelSpec:
        """Add to the shapes of inputs and tower, `spec`, those that only the architecture has."""
        shape = replace(spec, second=self.second_of(spec, settings))
        return self.with_own(shape, self.own_of(shape, settings))

    def own_of(self, spec: ModelSpec, settings: Settings) -> Own:
        """The own part of a model that so far has the shapes `spec`."""
        own: Own = self.own_kind()
        return own

    def second_of(self, spec: ModelSpec, settings: Settings) -> tuple[int, ...]:
        """The hidden widths of all towers but the first."""
        return ()

    def check(self, spec: ModelSpec) -> None:
        """Raise ScenarioError where the architecture cannot learn in such shapes.

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

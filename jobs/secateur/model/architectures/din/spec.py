"""The settings and the shapes of a DIN: it attends to lists that share a field's vocabulary."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from secateur.contracts.errors import ScenarioError
from secateur.contracts.models import ModelSpec
from secateur.model.architectures.shapes import Shapes
from secateur.section import Positive, Section


class AttentionSettings(Section):
    """What a scenario says of activation units."""

    attention: Annotated[tuple[Positive, ...], Field(min_length=1)] = (36,)
    """Widths of the activation unit that every list sharing a field's vocabulary has (din)."""


@dataclass(frozen=True)
class AttentionSpec:
    """`attention` are the hidden widths of every activation unit."""

    attention: tuple[int, ...] = ()


class AttentionShapes(Shapes[AttentionSettings, AttentionSpec]):
    """An activation unit for each list that shares a field's vocabulary."""

    own_kind = AttentionSpec
    pools_by_weights = True

    def own_of(self, spec: ModelSpec, settings: AttentionSettings) -> AttentionSpec:
        """The hidden widths of the units."""
        return AttentionSpec(settings.attention)

    def check(self, spec: ModelSpec) -> None:
        """Raise ScenarioError where there is no list to attend to."""
        super().check(spec)
        if all(target is None for target in spec.targets):
            raise ScenarioError(
                f"{spec.architecture} attends to a list that shares a field's vocabulary: "
                "there is none"
            )

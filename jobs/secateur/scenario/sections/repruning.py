"""How a night's cuts hold to those of the night before."""

from typing import Annotated, ClassVar

from pydantic import Field

from secateur.section import Fraction, Section


class Repruning(Section):
    """Lets tonight's cuts stay close to those of the last accepted night.

    A unit is a field, dimension, neuron, layer or weight. Rows of the embedding table come and go
    freely, because a value that is new today must be known tomorrow.
    """

    role: ClassVar[str] = "repruning"

    decay: Annotated[float, Field(ge=0, lt=1)] = 0.5
    """Weight of the earlier nights in a unit's importance, an exponential mean."""
    hysteresis: Annotated[float, Field(ge=0)] = 0.1
    """A unit that was kept last night counts as this fraction more important."""
    max_churn: Fraction = 0.1
    """Share of the kept units, at most, that were not kept last night."""
    max_loss: Fraction = 0.02
    """Cut from scratch where the above would keep this share less of tonight's importance than the
    best units have."""

"""How a night's cuts hold to those of the night before."""

from typing import Annotated, ClassVar

from pydantic import Field

from secateur.scenario.sections.section import Fraction, Section


class Repruning(Section):
    """Cuts the dense model anew every night, and of what it cuts changes little.

    What a unit is worth is what it is tonight and, by the weight `decay`, what it was in the nights
    before. One that was kept last night is worth the fraction `hysteresis` more. Of those kept, at
    most the share `max_churn` were not kept last night, rows of the table apart: these come freely.
    Where by tonight's worth that loses more than the share `max_loss` of what a cut made anew would
    keep, it is made anew (`pruning/steadying.py`).
    """

    role: ClassVar[str] = "repruning"

    decay: Annotated[float, Field(ge=0, lt=1)] = 0.5
    hysteresis: Annotated[float, Field(ge=0)] = 0.1
    max_churn: Fraction = 0.1
    max_loss: Fraction = 0.02

"""What every section of a scenario is made of."""

from datetime import date
from typing import Annotated, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

Fraction = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[int, Field(gt=0)]
Natural = Annotated[int, Field(ge=0)]


def _as_text(day: object) -> object:
    """A day that TOML knows as such, without quotes, is a day too."""
    return day.isoformat() if type(day) is date else day


IsoDay = Annotated[str, BeforeValidator(_as_text), Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]


class Section(BaseModel):
    """A frozen part of a scenario that knows no other key than its own.

    The text under a key is its description in `infra/guides/scenario_reference.md`. `role` names
    the section in the seal of what was made from it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    role: ClassVar[str] = ""

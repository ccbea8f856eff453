"""What every section of a scenario is made of."""

from datetime import date
from typing import Annotated, ClassVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

Fraction = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[int, Field(gt=0)]
Natural = Annotated[int, Field(ge=0)]


def _as_text(day: object) -> object:
    """A day that TOML knows as such, without quotes, is a day too."""
    return day.isoformat() if type(day) is date else day


def _known_day(day: str) -> str:
    try:
        known = date.fromisoformat(day).isoformat() == day
    except ValueError:
        known = False
    if not known:
        raise ValueError(f"{day!r} is no day such as 2024-02-29")
    return day


IsoDay = Annotated[str, BeforeValidator(_as_text), AfterValidator(_known_day)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]


class Section(BaseModel):
    """A frozen part of a scenario that knows no other key than its own.

    The text under a key is its description in `infra/guides/scenario_reference.md`. `role` names
    the section in the seal of what was made from it.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False
    )

    role: ClassVar[str] = ""

"""What a person may ask of one run: the trigger form of its DAG, checked before anything runs."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from secateur.contracts.errors import UsageError
from secateur.scenario.explaining.mistakes import mistakes_of, spell
from secateur.section import IsoDay


class RunForm(BaseModel):
    """The values of a run's form, all optional; the scenario has the others.

    Whether a value may stand in its place of the scenario is the scenario's own to say.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    first_day: IsoDay | None = None
    """First day of the window."""
    last_day: IsoDay | None = None
    """Last day of the window."""
    candidates: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    """Names of the candidates to try."""
    margin: float | None = None
    """The non-inferiority margin of the AUC."""
    channel: str | None = None
    """The channel that moves to the release."""
    dry_run: bool = False
    """Judge, but publish nothing."""
    again: bool = False
    """Run even where the channel has served a release of the same files, scenario and code."""
    older_data: bool = False
    """Let the channel go to data of an older day than it serves."""


def read_form(text: str) -> RunForm:
    """The form out of a run's conf, as JSON; an empty text or `null` asks for nothing.

    Raises UsageError with a line for each key that is unknown and each value that cannot be.
    """
    asked = "{}" if text.strip() in ("", "null") else text
    try:
        return RunForm.model_validate_json(asked, strict=True)
    except ValidationError as error:
        found = mistakes_of(error, RunForm)
        lines = (f"{spell(one.path) or 'the form'}: {one.message}" for one in found)
        raise UsageError("the form asks for what cannot be\n" + "\n".join(lines)) from error

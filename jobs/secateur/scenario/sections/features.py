"""The model's inputs, and which days teach, tune and confirm."""

from typing import Annotated, ClassVar, Self

from pydantic import AfterValidator, Field, model_validator

from secateur.contracts.features import TimePart
from secateur.contracts.judgement import SLICES, TASK
from secateur.scenario.sections.inputs import Counter, FieldSpec
from secateur.section import Natural, Positive, Section


def _name_of_its_own(name: str) -> str:
    """Of two groups of rows with one name only one would be judged."""
    if name.startswith(TASK) or name in [known.name for known in SLICES]:
        raise ValueError(f"{name!r} is what we call rows ourselves")
    return name


class SliceSpec(Section):
    """A group of held-out rows whose accuracy is measured apart."""

    name: Annotated[str, AfterValidator(_name_of_its_own)]
    """Name in the report."""
    column: str
    """Column that decides whether a row belongs to it."""
    values: Annotated[tuple[str, ...], Field(min_length=1)]
    """The rows with one of these values belong to it."""


class Features(Section):
    """The inputs of the model, and which days are held out."""

    role: ClassVar[str] = "features"

    tune_days: Positive = 2
    """Days before the confirm days, on which candidates are compared."""
    confirm_days: Positive = 2
    """The last days of the window: the chosen candidate is tested on them, once."""
    tune_hours: Positive | None = None
    """Hours before the confirm hours, instead of `tune_days`, for a log of few days."""
    confirm_hours: Positive | None = None
    """The last hours of the window, instead of `confirm_days`."""
    warm_up_days: Natural = 0
    """First days of the window that counters and histories know, and that give no rows: so that the
    first train rows know as much before them as a service will."""
    session_gap_minutes: Positive = 30
    """A user's session ends where no event of theirs follows for longer than this."""
    session_column: str | None = None
    """Column that names the user's session, where the log has one. Default: sessions by the gap."""
    snapshot_min_events: Positive = 1
    """A feature snapshot has no row of a user, and no counter of a value, with fewer events in the
    window than this."""
    fields: tuple[FieldSpec, ...]
    """Inputs that are read from columns."""
    counters: tuple[Counter, ...] = ()
    """Inputs that are counted from earlier events."""
    slices: tuple[SliceSpec, ...] = ()
    """Groups of rows to measure apart."""

    @property
    def inputs(self) -> tuple[FieldSpec, ...]:
        """All model inputs: the fields, then those of the counters."""
        return (*self.fields, *(field for counter in self.counters for field in counter.fields))

    @property
    def held_out_hours(self) -> int:
        """Hours that tune or confirm, 24 a day."""
        if self.tune_hours is None or self.confirm_hours is None:
            return 24 * (self.tune_days + self.confirm_days)
        return self.tune_hours + self.confirm_hours

    @property
    def times(self) -> dict[str, TimePart]:
        """The fields that are made of the event's time, with what is taken of it."""
        return {field.name: field.of_time for field in self.fields if field.of_time is not None}

    @property
    def has_sessions(self) -> bool:
        """Whether an input looks at the user's session."""
        windows = [counter.within for counter in self.counters]
        return "session" in (*windows, *(field.within for field in self.fields))

    @property
    def made_inputs(self) -> set[str]:
        """Names of the model inputs that are no columns of the events: of many events, or times."""
        made = (field for field in self.fields if not field.is_column)
        counted = (field for counter in self.counters for field in counter.fields)
        return {name for field in (*made, *counted) for name in field.inputs}

    @model_validator(mode="after")
    def _hours_come_together(self) -> Self:
        if (self.tune_hours is None) != (self.confirm_hours is None):
            raise ValueError("tune_hours and confirm_hours split together: say both")
        return self

    @model_validator(mode="after")
    def _shared_categories_exist(self) -> Self:
        categories = {field.name for field in self.fields if field.kind == "category"}
        unknown = sorted({f.shares for f in self.fields if f.shares} - categories)
        if unknown:
            raise ValueError(f"fields share {unknown}, which is no category of this scenario")
        return self

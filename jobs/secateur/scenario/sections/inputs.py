"""The inputs of the model: fields that are read from columns, and counters of earlier events."""

from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from secateur.contracts.features import TYPES_SUFFIX, CounterMeasure, Owner, Scale, TimePart
from secateur.section import Fraction, Positive, Section

BucketCount = Annotated[int, Field(ge=2, le=255)]
WINDOW_DAYS = 7  # by default: a week, so that each day of the week counts once


class FieldSpec(Section):
    """One input of the model.

    - category: one value of a vocabulary.
    - bucket: a number, cut at its quantiles into ids.
    - number: a number as it is, scaled.
    - list: several values of one vocabulary in one text, or in an array of JSON or Parquet.
    - history: the user's last items before the event.
    - vector: several numbers in one text or array, such as an item's embedding.
    """

    name: str
    """Column that the input is read from; the member `id` of an object or a struct `user` is the
    column `user.id`. A history has no column: its name must be a new one."""
    owner: Owner
    """Whose the value is. The columns of `user` and `context` are given once for all candidates of
    a request, those of `item` once a candidate."""
    of_time: TimePart | None = None
    """Made of the event's time in the log's `timezone`, and no column: `hour_of_day`, 0 to 23, or
    `day_of_week`, 1 (Monday) to 7. A service gives it, or the time itself as `time_ms`."""
    kind: Literal["category", "bucket", "number", "list", "history", "vector"] = "category"
    """What the value is."""
    min_count: Positive = 1
    """A value seen in fewer train rows has no id of its own: it is read as unknown (category,
    list)."""
    hashed: bool = False
    """True for the log's user column, and only there: its values are keyed hashes."""
    buckets: BucketCount = 16
    """Ids that a bucket field is cut into, or knots of the `quantile` scale."""
    scale: Scale = "standard"
    """How a number is scaled: `log` is sign(x) log(1 + |x|), `standard` subtracts the mean and
    divides by the standard deviation, `standard_log` does that to the logarithms, and `quantile` is
    the share of train rows at or below the number."""
    separator: Annotated[str, Field(min_length=1)] = " "
    """What stands between the values of a list or a vector in a text; an array has none."""
    length: Positive = 20
    """Values of a list or history that are read, or numbers that a vector has."""
    shares: str | None = None
    """The category whose vocabulary a list or history reads; a history must name one."""
    positives_only: bool = True
    """Whether a history holds the user's positive events alone."""
    type: str | None = None
    """Column with an event's type, which a history then holds beside each item."""
    within: Literal["session"] | None = None
    """Whether a history holds items of the user's session alone (see `session_gap_minutes`): with
    `length = 1`, the last item touched in the session."""

    @property
    def is_column(self) -> bool:
        """Whether it is read from a column of the events, and not made of something else."""
        return self.kind != "history" and self.of_time is None

    @property
    def has_types(self) -> bool:
        """Whether it is a history of event types too."""
        return self.kind == "history" and self.type is not None

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the model inputs that it makes."""
        return (self.name, self.name + TYPES_SUFFIX) if self.has_types else (self.name,)

    @model_validator(mode="after")
    def _history_shares(self) -> Self:
        if self.kind == "history" and self.shares is None:
            raise ValueError("a history needs `shares`: the category of the items it holds")
        if self.within is not None and self.kind != "history":
            raise ValueError("only a history looks `within` a session")
        if self.of_time is not None and self.kind not in ("category", "bucket", "number"):
            raise ValueError(f"a {self.kind} cannot be made of the time")
        return self


@dataclass(frozen=True)
class Signal:
    """A column of the log that tells whether an event is a positive.

    1 is one and 0 is none; with `at_least` a number of so much or more is one and a lesser is none.
    An event that has neither is not counted.
    """

    column: str
    at_least: float | None = None


class Counter(Section):
    """What was known of a key just before an event, as one input of the model for each measure.

    The inputs are named after the keys and the measure, such as `user_id_7d_rate`.
    """

    keys: Annotated[tuple[str, ...], Field(min_length=1)]
    """One column, or several whose combination is counted."""
    owner: Owner
    """Whose the numbers are, as for a field."""
    window_days: Positive | None = None
    """Days counted, the event's own among them. Default: 7, where no other window is said. Of more
    than a night reads it counts those that are read, and the package's schema says so."""
    window_hours: Positive | None = None
    """Hours counted, up to the event, instead of days: the popularity of the last hours."""
    within: Literal["session"] | None = None
    """Count within the user's session alone, instead of days (see `session_gap_minutes`)."""
    last: Positive | None = None
    """Count only so many of the key's newest events. Default: all in the window."""
    of: str | None = None
    """Column that tells positives, where that is not the label: 1 or 0, or see `at_least`."""
    at_least: Annotated[float | None, Field(allow_inf_nan=False)] = None
    """The number in `of` from which on an event is a positive."""
    freshness: Literal["event", "day"] = "event"
    """Count up to the event itself, or up to the midnight before it, which is what a service knows
    that counts once a night."""
    measures: Annotated[tuple[CounterMeasure, ...], Field(min_length=1)] = ("events", "rate")
    """The numbers to make: events, positives, their smoothed rate, or seconds since the last event
    (`gap`) or since the first (`age`)."""
    prior_events: Positive = 10
    """Events that the prior of the rate weighs as much as."""
    prior_rate: Fraction
    """The rate of a key without any event."""
    kind: Literal["bucket", "number"] = "bucket"
    """Read as ids, cut at quantiles, or as standardised numbers (all but rates by their
    logarithm)."""
    buckets: BucketCount = 32
    """Ids where `kind` is bucket."""

    @model_validator(mode="after")
    def _there_is_one_window(self) -> Self:
        windows = ("window_days", "window_hours", "within")
        said = [name for name in windows if getattr(self, name) is not None]
        if len(said) > 1:
            raise ValueError(f"{' and '.join(said)} are two windows: say one")
        if self.freshness == "day" and said and said != ["window_days"]:
            raise ValueError(f"up to the midnight before, {said[0]} says nothing: give window_days")
        return self

    @model_validator(mode="after")
    def _a_threshold_has_its_column(self) -> Self:
        if self.at_least is not None and self.of is None:
            raise ValueError("`at_least` needs `of`: the column whose number it is of")
        return self

    @property
    def signal(self) -> Signal | None:
        """What makes an event a positive, where that is not the label."""
        return None if self.of is None else Signal(self.of, self.at_least)

    @property
    def days(self) -> int | None:
        """Days counted, the event's own among them; None where hours or a session are."""
        other = self.window_hours is not None or self.within is not None
        return None if other else self.window_days or WINDOW_DAYS

    @property
    def name(self) -> str:
        """What its fields' names begin with, such as `user_id_x_tag_7d`, `tab_3h_dwell_from_3`."""
        hours = None if self.window_hours is None else f"{self.window_hours}h"
        window = self.within or hours or f"{self.days}d"
        last = () if self.last is None else (f"last{self.last}",)
        of = () if self.of is None else (self.of,)
        of = of if self.at_least is None else (*of, f"from_{self.at_least:.15g}")
        return "_".join(("_x_".join(self.keys), window, *last, *of))

    @property
    def columns(self) -> tuple[str, ...]:
        """The event columns that it reads, the label apart."""
        return self.keys if self.of is None else (*self.keys, self.of)

    @property
    def of_single_events(self) -> bool:
        """Whether its numbers are no sums of days: they are made of the events themselves."""
        single = {"gap", "age"} & set(self.measures)
        return self.last is not None or self.days is None or bool(single)

    def field(self, measure: CounterMeasure) -> str:
        """Name of the field with this measure."""
        return f"{self.name}_{measure}"

    @property
    def fields(self) -> tuple[FieldSpec, ...]:
        """The model inputs, one a measure."""
        return tuple(
            FieldSpec(
                name=self.field(measure),
                owner=self.owner,
                kind=self.kind,
                buckets=self.buckets,
                scale="standard" if measure == "rate" else "standard_log",
            )
            for measure in self.measures
        )

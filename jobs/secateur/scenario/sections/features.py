"""The model's inputs, and which days teach, tune and confirm."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from secateur.contracts.features import Owner, Scale
from secateur.scenario.sections.section import Fraction, Positive, Section

Buckets = Annotated[int, Field(ge=2, le=255)]
Measure = Literal["events", "positives", "rate", "gap"]


class FieldSpec(Section):
    """One model input, read from the column of its name.

    - category: a value with a vocabulary.
    - bucket: a number cut at its quantiles into `buckets` ids.
    - number: a number as it is, by its `scale`.
    - list: many values of one vocabulary in one text between `separator`s, the first `length`.
    - history: the user's last `length` items before the event, with their event types; only the
      positive ones where `positives_only`. `type` is the column with an event's type.
    - vector: `length` numbers in one text between `separator`s, such as an item's embedding.

    A list or history that `shares` a category reads that field's vocabulary.
    """

    name: str
    owner: Owner
    kind: Literal["category", "bucket", "number", "list", "history", "vector"] = "category"
    min_count: Positive = 1
    hashed: bool = False
    buckets: Buckets = 16
    scale: Scale = "standard"
    separator: Annotated[str, Field(min_length=1)] = " "
    length: Positive = 20
    shares: str | None = None
    positives_only: bool = True
    type: str | None = None

    @model_validator(mode="after")
    def _history_shares(self) -> Self:
        if self.kind == "history" and self.shares is None:
            raise ValueError("a history needs `shares`: the category of the items it holds")
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
    """Numbers of what was known of a key just before an event: see `features/counters.py`.

    `keys` are one column, or several for a pair. Counted are the events of the last `window_days`
    days (default: all of the log's window), up to the event itself, or with the `freshness` "day"
    up to its midnight, as a service knows it that counts at night; of them the `last` ones alone,
    where that is given. Positive is an event by its label, or by the column `of`, another signal of
    the log, that holds 1 or 0, or a number of which `at_least` so much makes a positive. The rate
    is smoothed by `prior_events` events of `prior_rate`; the gap is the time since the last event,
    in seconds. A model reads them by `kind`: cut into `buckets`, or as numbers, standardised, all
    but rates by their logarithm.
    """

    keys: Annotated[tuple[str, ...], Field(min_length=1)]
    owner: Owner
    window_days: Positive | None = None
    last: Positive | None = None
    of: str | None = None
    at_least: Annotated[float | None, Field(allow_inf_nan=False)] = None
    freshness: Literal["event", "day"] = "event"
    measures: Annotated[tuple[Measure, ...], Field(min_length=1)] = ("events", "rate")
    prior_events: Positive = 10
    prior_rate: Fraction
    kind: Literal["bucket", "number"] = "bucket"
    buckets: Buckets = 32

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
    def name(self) -> str:
        """What its fields' names begin with, such as `user_id_x_tag_7d`, `tab_dwell_from_3`."""
        days = () if self.window_days is None else (f"{self.window_days}d",)
        last = () if self.last is None else (f"last{self.last}",)
        of = () if self.of is None else (self.of,)
        of = of if self.at_least is None else (*of, f"from_{self.at_least:.15g}")
        return "_".join(("_x_".join(self.keys), *days, *last, *of))

    @property
    def columns(self) -> tuple[str, ...]:
        """The event columns that it reads, the label apart."""
        return self.keys if self.of is None else (*self.keys, self.of)

    @property
    def of_single_events(self) -> bool:
        """Whether its numbers are no sums of days: it counts the last events, or tells a gap."""
        return self.last is not None or "gap" in self.measures

    def field(self, measure: Measure) -> str:
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


class SliceSpec(Section):
    """Rows to look at apart: those whose `column` holds one of `values`."""

    name: str
    column: str
    values: Annotated[tuple[str, ...], Field(min_length=1)]


class Features(Section):
    """The fields, and how many of the last days are kept for tuning and for confirming."""

    role: ClassVar[str] = "features"

    tune_days: Positive = 2
    confirm_days: Positive = 2
    fields: tuple[FieldSpec, ...]
    counters: tuple[Counter, ...] = ()
    slices: tuple[SliceSpec, ...] = ()

    @property
    def inputs(self) -> tuple[FieldSpec, ...]:
        """All model inputs: the fields, then those of the counters."""
        return (*self.fields, *(field for counter in self.counters for field in counter.fields))

    @model_validator(mode="after")
    def _shared_categories_exist(self) -> Self:
        categories = {field.name for field in self.fields if field.kind == "category"}
        unknown = sorted({f.shares for f in self.fields if f.shares} - categories)
        if unknown:
            raise ValueError(f"fields share {unknown}, which is no category of this scenario")
        return self

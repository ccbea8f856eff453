"""What the data must satisfy beyond what the schema implies."""

from typing import Annotated, ClassVar

from pydantic import Field

from secateur.section import Fraction, Name, Positive, Section

LEAST_SHARE = 0.05  # of the median day's rows: a day with fewer is none that a site had


class Rule(Section):
    """An expectation of the scenario's own."""

    name: Name
    """Name in the report and the Data Docs."""
    holds: str
    """Spark SQL predicate over the columns of the cleaned events."""
    mostly: Fraction = 1.0
    """Share of the events, at least, for which it must hold."""


class Drift(Section):
    """How far tonight's values may be from those of the last accepted night."""

    categories: dict[str, Fraction] = Field(default_factory=dict)
    """By column, the largest change in the share of any one value (L-infinity distance)."""
    numbers: dict[str, Fraction] = Field(default_factory=dict)
    """By column, the largest Jensen-Shannon distance (base 2, 0 to 1) of its numbers."""
    bins: Annotated[int, Field(ge=2, le=255)] = 20
    """Quantile bins of the reference, over which numbers are compared."""
    min_rows: Positive = 1000
    """Rows that both nights must have to be compared."""


class Validation(Section):
    """What the data must satisfy, beyond what the schema implies."""

    role: ClassVar[str] = "validation"

    min_rows: Positive
    """Events that a night must have."""
    min_rows_a_day: Positive | None = None
    """Events that each day must have. Default: a twentieth of those of the window's median day."""
    min_rows_a_split: Positive = 20
    """Rows that the tune days, the confirm days and the training's holdout must each have: on fewer
    nothing can be judged."""
    min_users_a_split: Positive = 10
    """Users that each of these must have: intervals resample users."""
    malformed_budget: Fraction = 0.02
    """Share of the rows with a list or a vector, by field, in which none can be read."""
    min_rules: Positive = 1
    """Expectations that must have run for the report to count."""
    label_rate: tuple[Fraction, Fraction] = (0.0, 1.0)
    """Share of positives: least and most."""
    max_missing_rate: dict[str, Fraction] = Field(default_factory=dict)
    """By column, the largest share of missing values."""
    max_oov_rate: dict[str, Fraction] = Field(default_factory=dict)
    """By field, the largest share of values in the held-out days that the vocabulary lacks."""
    max_single_feature_auc: Annotated[float, Field(gt=0.5, le=1)] = 0.95
    """The AUC beyond which one input alone tells the label or a task of the train rows: such an
    input is an outcome of the event, or gives drawn negatives away. The best honest inputs measured
    have .88."""
    rules: tuple[Rule, ...] = ()
    """Expectations of the scenario's own."""
    drift: Drift = Drift()
    """Comparison with the last accepted night."""

"""What the data must satisfy beyond what the schema implies."""

from typing import Annotated, ClassVar

from pydantic import Field

from secateur.scenario.sections.section import Fraction, Name, Positive, Section


class Rule(Section):
    """The Spark SQL predicate `holds` must hold for at least the share `mostly` of the events."""

    name: Name
    holds: str
    mostly: Fraction = 1.0


class Drift(Section):
    """How far tonight's values may be from those of the last accepted night.

    `categories` limits, by column, the L-infinity distance of the shares of its values; `numbers`
    the Jensen-Shannon distance (base 2, 0..1) over `bins` quantile bins of the reference. Both
    need `min_rows` rows on either side.
    """

    categories: dict[str, Fraction] = Field(default_factory=dict)
    numbers: dict[str, Fraction] = Field(default_factory=dict)
    bins: Annotated[int, Field(ge=2, le=255)] = 20
    min_rows: Positive = 1000


class Validation(Section):
    """What the data must satisfy beyond what the schema implies.

    Fewer than `min_rules` rules run are no examination.
    """

    role: ClassVar[str] = "validation"

    min_rows: Positive
    min_rows_a_day: Positive = 1
    min_rules: Positive = 1
    label_rate: tuple[Fraction, Fraction] = (0.0, 1.0)
    max_missing_rate: dict[str, Fraction] = Field(default_factory=dict)
    max_oov_rate: dict[str, Fraction] = Field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    drift: Drift = Drift()

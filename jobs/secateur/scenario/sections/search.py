"""The search for recipes: what a package may weigh and take, and how long to look."""

from typing import Annotated, ClassVar

from pydantic import Field, model_validator

from secateur.scenario.sections.section import Name, Positive, Section

Share = Annotated[float, Field(gt=0, le=1)]


class Target(Section):
    """A package wanted: at most so many bytes, and microseconds (median) a request of 256 rows.

    It is a rung of the ladder: what a night finds for it is published on a channel of its own.
    """

    name: Name
    max_bytes: Positive | None = None
    max_us: Annotated[float, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def _limits_something(self) -> "Target":
        if self.max_bytes is None and self.max_us is None:
            raise ValueError("a target limits max_bytes, max_us or both")
        return self


class Search(Section):
    """Finds a recipe for each of the `targets` (`pruning/search.py`), beside the candidates.

    The menu: values seen less than one of `min_counts` times go, and of fields, dimensions, neurons
    and hidden layers all but one of the shares stay; of fields what is worth most, or where a
    target has `max_us` worth most for its time in a request. Of all dishes the `proposals` that
    promise most are tried, ever fewer with ever more repair, up to `repair_epochs`; two finalists
    with `seeds` seeds each. One that loses more than `max_loss` AUC on the holdout gives back what
    hurt most. No trial begins after `minutes`.
    """

    role: ClassVar[str] = "search"

    targets: Annotated[tuple[Target, ...], Field(min_length=1)]
    minutes: Annotated[float, Field(gt=0)] = 30.0
    max_loss: Annotated[float, Field(ge=0, lt=1)] = 0.001
    min_counts: tuple[Positive, ...] = (1, 5, 10, 20)
    fields: tuple[Share, ...] = (1.0, 0.8, 0.7, 0.65, 0.6, 0.5, 0.35)
    dimensions: tuple[Share, ...] = (1.0, 0.5, 0.25, 0.125)
    neurons: tuple[Share, ...] = (1.0, 0.25, 0.1, 0.05)
    layers: tuple[Share, ...] = (1.0, 0.34)
    proposals: Positive = 8
    repair_epochs: Annotated[float, Field(gt=0)] = 0.5
    seeds: Positive = 3

    @model_validator(mode="after")
    def _names_differ(self) -> "Search":
        names = [target.name for target in self.targets]
        if len(set(names)) < len(names):
            raise ValueError("targets: names are unique")
        return self

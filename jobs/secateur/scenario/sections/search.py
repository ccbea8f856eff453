"""The search for recipes: what a package may weigh and take, and how long to look."""

from typing import Annotated, ClassVar

from pydantic import Field, model_validator

from secateur.section import Name, Positive, Section

Share = Annotated[float, Field(gt=0, le=1)]


class Target(Section):
    """A package that is wanted. What a night finds for it is published on a channel of its own,
    `<channel>_<name>`. A target limits bytes, microseconds or both.
    """

    name: Name
    """Name of the target, and the end of its channel's."""
    max_bytes: Positive | None = None
    """Bytes that the package may have."""
    max_us: Annotated[float, Field(gt=0)] | None = None
    """Microseconds, as a median, that a request of 256 rows may take."""

    @model_validator(mode="after")
    def _limits_something(self) -> "Target":
        if self.max_bytes is None and self.max_us is None:
            raise ValueError("a target limits max_bytes, max_us or both")
        return self


class Search(Section):
    """Finds a recipe for each target, besides the candidates (`pruning/search/`).

    Every level of the grid is tried alone. Of all combinations that fit a target, the most
    promising ones are tried, ever fewer with ever more repair; two finalists are tried with several
    seeds.
    """

    role: ClassVar[str] = "search"

    targets: Annotated[tuple[Target, ...], Field(min_length=1)]
    """The packages wanted."""
    minutes: Annotated[float, Field(gt=0)] = 30.0
    """No trial begins after so many minutes."""
    max_loss: Annotated[float, Field(ge=0, lt=1)] = 0.001
    """A find that loses more AUC than this on the training holdout is relaxed, level by level."""
    min_counts: tuple[Positive, ...] = (1, 5, 10, 20)
    """Levels: values seen less often than this have no embedding of their own."""
    fields: tuple[Share, ...] = (1.0, 0.8, 0.7, 0.65, 0.6, 0.5, 0.35)
    """Levels: share of the fields that stays, by their score, or where a target has `max_us` by
    their score for the time that they take in a request."""
    dimensions: tuple[Share, ...] = (1.0, 0.5, 0.25, 0.125)
    """Levels: share of the embedding's dimensions that stays."""
    neurons: tuple[Share, ...] = (1.0, 0.25, 0.1, 0.05)
    """Levels: share of the hidden neurons that stays."""
    layers: tuple[Share, ...] = (1.0, 0.34)
    """Levels: share of the hidden layers that stays."""
    proposals: Positive = 8
    """Combinations that are tried for each target."""
    repair_epochs: Annotated[float, Field(gt=0)] = 0.5
    """Epochs of repair of the finalists, and of the recipe that is found."""
    seeds: Positive = 3
    """Seeds that a finalist is tried with."""

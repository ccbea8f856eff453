"""The gate, and where what passes it goes."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from secateur.contracts.judgement import Batch
from secateur.scenario.sections.section import Fraction, Positive, Section


class Judgement(Section):
    """The gate, and which package to take of those that pass it.

    `margin` is the AUC that a package may lose (non-inferiority, absolute; negative: must gain).
    `max_request_us` limits a request's p99 by its rows: { 256 = 5000.0 }. In what is preferred a
    package must beat the dense model by the fraction `min_saving`.
    """

    role: ClassVar[str] = "judgement"

    margin: Annotated[float, Field(gt=-1, lt=1)]
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.95
    max_package_bytes: Positive | None = None
    max_request_us: dict[Batch, float] = Field(default_factory=dict)
    prefer: Literal["bytes", "latency"] = "bytes"
    min_saving: Fraction = 0.01


class Release(Section):
    """Where a passing package goes."""

    role: ClassVar[str] = "release"

    channel: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")] = "latest"

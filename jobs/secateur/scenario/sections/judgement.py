"""The gate, and where what passes it goes."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from secateur.contracts.judgement import Batch
from secateur.contracts.releases import CHANNEL_NAME
from secateur.scenario.sections.section import Fraction, Positive, Section


class Judgement(Section):
    """The gate, and which of the packages that pass it is published."""

    role: ClassVar[str] = "judgement"

    margin: Annotated[float, Field(gt=-1, lt=1)]
    """The AUC, absolute, that a package may lose against the dense model (the non-inferiority
    margin). A negative one asks for a gain."""
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.95
    """One-sided confidence of the lower bound that must stay within the margin."""
    max_package_bytes: Positive | None = None
    """A larger package fails."""
    max_request_us: dict[Batch, float] = Field(default_factory=dict)
    """By rows a request, 1 or 256, the 99th percentile in microseconds beyond which a package
    fails: `{ 256 = 5000.0 }`."""
    prefer: Literal["bytes", "latency"] = "bytes"
    """What the package that is chosen has least of."""
    min_saving: Fraction = 0.01
    """Share of the preferred cost that a package must save against the dense one."""


class ReleaseChannel(Section):
    """Where a passing package goes."""

    role: ClassVar[str] = "release"

    channel: Annotated[str, Field(pattern=f"^{CHANNEL_NAME}$")] = "latest"
    """The channel that moves to the release."""

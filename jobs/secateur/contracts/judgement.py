"""What was measured of a package, and what was decided from it."""

from dataclasses import dataclass
from typing import Literal

Outcome = Literal["passed", "failed", "crashed"]


@dataclass(frozen=True)
class Accuracy:
    """Point measures on one set of rows. `gauc` is AUC within users, weighted by their rows."""

    rows: int
    users: int
    auc: float
    gauc: float
    log_loss: float
    normalized_entropy: float
    calibration: float


@dataclass(frozen=True)
class Latency:
    """Microseconds a call at one batch size, one thread: the model's part and the whole request.

    The model's part takes ids and gives scores; the request takes raw values and gives scores.
    """

    batch: int
    model_p50: float
    model_p99: float
    request_p50: float
    request_p99: float


@dataclass(frozen=True)
class Footprint:
    """Sizes in bytes, and the share of tower and table weights that are zero or gone."""

    package_bytes: int
    file_bytes: dict[str, int]
    resident_bytes: int
    parameters: int
    nominal_sparsity: float


@dataclass(frozen=True)
class Scorecard:
    """Measures of one package beside the dense one, taken in one process. It never judges.

    `accuracy` and `dense_accuracy` are keyed by split ("tune", "confirm"); `slices` by
    "<split>/<slice>". The scores themselves lie beside it in `scores.parquet`.
    """

    recipe: str
    package: str
    dense_package: str
    accuracy: dict[str, Accuracy]
    dense_accuracy: dict[str, Accuracy]
    slices: dict[str, Accuracy]
    dense_slices: dict[str, Accuracy]
    footprint: Footprint
    dense_footprint: Footprint
    latency: tuple[Latency, ...]
    dense_latency: tuple[Latency, ...]


@dataclass(frozen=True)
class Interval:
    """A difference candidate - dense with its confidence bounds."""

    estimate: float
    low: float
    high: float
    confidence: float


@dataclass(frozen=True)
class Judged:
    """One candidate's fate with every reason, in words."""

    recipe: str
    outcome: Outcome
    reasons: tuple[str, ...]
    package: str | None = None
    delta_auc: Interval | None = None
    package_bytes: int | None = None


@dataclass(frozen=True)
class Verdict:
    """The night's decision.

    `chosen` was selected on the tune days and confirmed on the untouched confirm days, where
    its difference is `confirmed`. `package` is the digest of the package it accepts, None when
    refused. `supported_margin` is the smallest non-inferiority margin these rows could resolve.
    """

    accepted: bool
    reason: str
    chosen: str | None
    package: str | None
    dense_package: str
    margin: float
    supported_margin: float
    confirmed: Interval | None
    candidates: tuple[Judged, ...]

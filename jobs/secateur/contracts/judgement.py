"""What was measured of a package, and what was decided from it."""

import math
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, get_args

from secateur.contracts.releases import Override

GateOutcome = Literal["passed", "failed", "inconclusive", "no_saving", "refused", "crashed"]
MetricOutcome = Literal["passed", "failed", "inconclusive", "missing"]

Batch = Literal["1", "256"]
BATCHES = tuple(map(int, get_args(Batch)))  # rows a call where latency is measured and limited


class Slice(NamedTuple):
    """Rows whose user or item was seen in training between `low` and `high` times."""

    name: str
    owner: Literal["user", "item"]
    low: int
    high: float


SLICES = (
    Slice("new users", "user", 0, 0),
    Slice("users of 1-2 events", "user", 1, 2),
    Slice("users of 3-9 events", "user", 3, 9),
    Slice("users of 10+ events", "user", 10, math.inf),
    Slice("new items", "item", 0, 0),
    Slice("tail items, 1-9 events", "item", 1, 9),
    Slice("head items, 10+ events", "item", 10, math.inf),
)
TASK = "task "  # how the key of a further task's rows begins, beside those of slices
BOOTSTRAP = "bootstrap"  # a verdict's reference where nothing was served yet
COPY, SHUFFLED = CONTROLS = ("copy", "shuffled")  # of dense: one must pass, the other must not


@dataclass(frozen=True)
class Refusal:
    """Why an artifact was refused where it was to be sealed."""

    reason: str


@dataclass(frozen=True)
class Accuracy:
    """Point measures on one set of rows; None where one class is absent.

    `gauc` is AUC within users, weighted by their rows; `one_class_users` have none and are left
    out of it. `day_gauc` is that within a user's day, `day_share` the rows of days of both classes.
    `calibration` is mean predicted / mean observed, `calibration_error` their mean gap by tenths.
    """

    rows: int
    users: int
    one_class_users: int
    auc: float | None
    gauc: float | None
    log_loss: float
    normalized_entropy: float | None
    calibration: float | None
    positives: int | None = None
    distinct_scores: int | None = None
    day_gauc: float | None = None
    day_share: float | None = None
    calibration_error: float | None = None


class Metric(NamedTuple):
    """What a metric is called, which way is better, and whether a difference is a share of dense.

    `calibration` is |ln(sum of predictions / sum of labels)|, `calibration_error` the mean gap by
    tenths of the scores, `churn` the mean change of a score against dense, `top_overlap` the share
    of dense's first ten of a user's day that stay there.
    """

    name: str
    better: Literal["higher", "lower"]
    relative: bool
    words: str


METRICS = (
    Metric("auc", "higher", False, "AUC"),
    Metric("gauc", "higher", False, "GAUC within user and day"),
    Metric("log_loss", "lower", True, "log-loss, relative"),
    Metric("calibration", "lower", False, "miscalibration"),
    Metric("calibration_error", "lower", False, "expected calibration error"),
    Metric("normalized_entropy", "lower", False, "normalised entropy"),
    Metric("churn", "lower", False, "mean change of a score"),
    Metric("top_overlap", "higher", False, "overlap of the first ten"),
)


@dataclass(frozen=True)
class Difference:
    """metric(candidate) - metric(dense) on the same rows, and how sure that is.

    For a relative metric it is that difference over the dense model's value. The standard error is
    over users and items; `degrees_of_freedom` are Student's. `skewness` is that of the estimate,
    `error_skewness` how its variance moves with it: both widen a bound. `closed_form_error` and
    `resampled_error` are two ways to the standard error, the larger of which it is. The effective
    numbers say how many users and items of equal size would be as concentrated, among the rows that
    the metric hangs on, such as those of the scarcer class.
    """

    estimate: float
    standard_error: float
    degrees_of_freedom: float = 1e6
    skewness: float = 0.0
    error_skewness: float = 0.0
    closed_form_error: float | None = None
    resampled_error: float | None = None
    effective_users: float | None = None
    effective_items: float | None = None


@dataclass(frozen=True)
class Latency:
    """Microseconds a call at one batch size, one thread: the model's part and the whole request.

    The model's part takes ids and gives scores; the request takes raw values and gives scores. In
    both the user and the context are given once for all rows. `repeated` is the model's part where
    they are given for every row instead, so that what this saves is seen apart from what pruning
    saves; None where it was not measured.
    """

    batch: int
    model_p50: float
    model_p99: float
    request_p50: float
    request_p99: float
    repeated_p50: float | None = None
    repeated_p99: float | None = None


@dataclass(frozen=True)
class Footprint:
    """Sizes in bytes, and the share of the dense model's weights that are zero or gone.

    `resident_bytes` is what a fresh process grows by when it loads the package and answers one
    request. `nominal_sparsity` says nothing of bytes or time: those stand beside it. It and
    `parameters` are what the package's maker counted, None where it did not.
    """

    package_bytes: int
    file_bytes: dict[str, int]
    resident_bytes: int
    parameters: int | None
    nominal_sparsity: float | None


@dataclass(frozen=True)
class ServedComparison:
    """A candidate beside the release that a channel served, scored by its own package.

    Both are keyed by split, `differences` by metric first: those of the candidate to the release.
    Where the release cannot score these rows, `why_unknown` says so, and there are none.
    """

    release: int
    package: str
    accuracy: dict[str, Accuracy] = field(default_factory=dict)
    differences: dict[str, dict[str, Difference]] = field(default_factory=dict)
    why_unknown: str = ""


@dataclass(frozen=True)
class Scorecard:
    """Measures of one package beside the dense one, taken in one process. It never judges.

    `accuracy` and `dense_accuracy` are keyed by split ("tune", "confirm") and by
    "<split>/<slice>"; `differences` by metric, and then so, where the metric exists. What a prune
    does to further tasks stands beside that, keyed by "<split>/task <name>"; it is shown and not
    judged. `dense_levels` are the dense model's own AUC and normalised entropy on the splits, by
    metric and split. `controls` are differences like the candidate's of what must pass, a copy of
    the dense model, and of what must not, one whose scores are shuffled for half of the items.
    `served` is keyed by channel, None where it served nothing yet. `last_day` is that of the rows,
    which the ledger knows by the digest `days`. `load` is the share of the machine that others used
    while latency was timed, None where unknown. `privacy` and `dense_privacy` are by attack what is
    given away of who was trained on (`judgement/membership.py`). The scores themselves lie beside.
    """

    recipe: str
    package: str
    dense_package: str
    accuracy: dict[str, Accuracy]
    dense_accuracy: dict[str, Accuracy]
    differences: dict[str, dict[str, Difference]]
    footprint: Footprint
    dense_footprint: Footprint
    latency: tuple[Latency, ...]
    dense_latency: tuple[Latency, ...]
    dense_levels: dict[str, dict[str, Difference]] = field(default_factory=dict)
    controls: dict[str, dict[str, dict[str, Difference]]] = field(default_factory=dict)
    served: dict[str, ServedComparison | None] = field(default_factory=dict)
    last_day: str | None = None
    load: float | None = None
    privacy: dict[str, dict[str, Difference]] = field(default_factory=dict)
    dense_privacy: dict[str, dict[str, Difference]] = field(default_factory=dict)
    days: str = ""

    def of_metric(self, metric: str) -> dict[str, Difference]:
        """The differences in one metric by split and slice."""
        return self.differences.get(metric, {})


@dataclass(frozen=True)
class Interval:
    """A difference candidate - dense; each bound alone holds with `confidence` (one-sided)."""

    estimate: float
    low: float
    high: float
    confidence: float


@dataclass(frozen=True)
class MetricTest:
    """One metric of one candidate on one split, held against its margin; `words` say it all.

    It passes where the bound on the worse side stays within the margin, fails where the bound on
    the better side is beyond it, and is inconclusive between; then `rows_to_decide` says how many
    rows like these would tell. A metric that the scorecard lacks is missing. `against` names what
    it was compared with.
    """

    metric: str
    split: str
    outcome: MetricOutcome
    margin: float
    words: str
    delta: Interval | None = None
    supported_margin: float | None = None
    rows_to_decide: int | None = None
    against: str = "dense"


@dataclass(frozen=True)
class Judged:
    """One candidate's fate with every reason, in words.

    `tests` are those of the tune days, one a metric with a margin, their confidence corrected for
    how many candidates were compared. `delta_auc` is that of AUC, and `supported_margin` the
    smallest margin that its test could resolve. `warnings` refuse nothing, and want a look.
    """

    recipe: str
    outcome: GateOutcome
    reasons: tuple[str, ...]
    package: str | None = None
    delta_auc: Interval | None = None
    supported_margin: float | None = None
    package_bytes: int | None = None
    tests: tuple[MetricTest, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class NightLevels:
    """What later nights are held to of an accepted one.

    `dense` are the dense model's own levels as in the scorecard. `lost` is the AUC that releases
    lost, each against the one before it and gains paid back, since `counted_from`.
    """

    last_day: str
    dense: dict[str, dict[str, Difference]]
    lost: float = 0.0
    counted_from: str | None = None


@dataclass(frozen=True)
class Verdict:
    """The night's decision.

    `chosen` was selected on the tune days and tested once on the untouched confirm days, where
    its difference is `confirmed`. `package` is the digest of the package it accepts, None when
    refused. `supported_margin` is the smallest margin in AUC that these rows could resolve: of
    the confirming test, or of the median candidate where none was chosen. `tests` are those of the
    chosen one on the confirm days. `reference` names the release that was served, or says
    `bootstrap` where nothing was; it is empty where nobody asked. `levels` are of accepted nights;
    `override` is there where people accepted what the gate had refused.
    """

    accepted: bool
    reason: str
    chosen: str | None
    package: str | None
    dense_package: str | None
    dense_bytes: int | None
    margin: float
    supported_margin: float | None
    confirmed: Interval | None
    candidates: tuple[Judged, ...]
    tests: tuple[MetricTest, ...] = ()
    reference: str = ""
    levels: NightLevels | None = None
    override: Override | None = None

"""The gate, and where what passes it goes."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from secateur.contracts.judgement import Batch
from secateur.contracts.releases import CHANNEL_NAME
from secateur.section import Fraction, Positive, Section

REPORTED: Literal["reported"] = "reported"
Margin = Annotated[float, Field(gt=-1, lt=10)]
Demand = Margin | Literal["reported"]


class Margins(Section):
    """What a package may lose against the dense model, by metric, or that one is only reported.

    A metric with a margin that the rows do not have, such as GAUC where no day of a user has both
    classes, fails every package.
    """

    gauc: Demand = 0.02
    """GAUC within a user's day, absolute."""
    log_loss: Demand = 0.01
    """Log-loss, as a share of the dense model's."""
    calibration: Demand = 0.1
    """|ln(sum of predictions / sum of labels)|: 0.1 lets the sum be 10 % further off."""
    calibration_error: Demand = 0.02
    """Mean gap between predicted and observed, by tenths of the scores; absolute."""
    normalized_entropy: Demand = REPORTED
    """Log-loss over that of the base rate, absolute."""
    churn: Demand = REPORTED
    """Mean change of a score against dense."""
    top_overlap: Demand = REPORTED
    """Share of dense's first ten of a user's day that may drop out of them."""
    bytes: Margin = 0.01
    """Bytes of the package, as a share of the dense one's; measured, so without an interval."""
    latency: Margin = 0.5
    """Median microseconds of a request of 256 rows, as a share of dense's, measured in turns."""


class SliceRules(Section):
    """What a package may lose where it may hide: new and rare users and items, and your own."""

    margin: Demand = 0.03
    """AUC, absolute, that it may lose in any slice."""
    margins: dict[str, Demand] = Field(default_factory=dict)
    """Another one by slice: `{ "new users" = 0.05 }`."""
    min_positives: Positive = 300
    """A slice with fewer rows of either class is judged with all the others alone."""


class DenseRules(Section):
    """What the dense model itself must be worth, besides more than chance and than the base rate.

    Each is held by a bound of the given confidence, on the tune and on the confirm days.
    """

    min_auc: Fraction | None = None
    """A floor under its AUC."""
    max_normalized_entropy: Annotated[float, Field(gt=0, le=1)] | None = None
    """A ceiling on its log-loss over that of the base rate."""
    max_auc: Annotated[float, Field(gt=0.5, le=1)] = 0.97
    """A higher AUC smells of leakage: some column may know the label."""
    baseline_margin: Demand = 0.01
    """AUC that it may be below the best of its baselines: popularity, recency, list order, logistic
    regression."""
    last_margin: Demand = 0.05
    """AUC that it may be below the last accepted night's, each on its own days."""


class ServedRules(Section):
    """What a package may lose against the release now served, which scores the same rows."""

    margin: Demand = 0.02
    """AUC, absolute."""
    gauc: Demand = REPORTED
    """GAUC within a user's day, absolute."""
    log_loss: Demand = 0.02
    """Log-loss, as a share of the release's."""
    loss_budget: Demand = 0.05
    """AUC that releases may lose in all, each against the one before it on the confirm days; gains
    are paid back. Nights of a small loss each add up to it."""
    counted_from: str | None = None
    """Any word, such as a date; a new one counts the losses anew. Whoever writes it accepts the
    quality that is served now."""

    @property
    def by_metric(self) -> dict[str, float]:
        """The margin of every metric that has one."""
        asked = {"auc": self.margin, "gauc": self.gauc, "log_loss": self.log_loss}
        return {name: margin for name, margin in asked.items() if margin != REPORTED}


class PrivacyRules(Section):
    """What a package may give away of the rows that it was trained on."""

    leak: Annotated[float, Field(gt=0, lt=0.5)] | Literal["reported"] = REPORTED
    """AUC, beyond what a shift of days gives, by which an attacker may tell train rows from others
    of the same users: 0.02. Held by its upper bound, on the tune days."""


class Judgement(Section):
    """The gate, and which of the packages that pass it is published."""

    role: ClassVar[str] = "judgement"

    margin: Annotated[float, Field(gt=-1, lt=1)]
    """The AUC, absolute, that a package may lose against the dense model (the non-inferiority
    margin). A negative one asks for a gain."""
    margins: Margins = Field(default_factory=Margins)
    """What it may lose of other metrics, bytes and time."""
    slices: SliceRules = Field(default_factory=SliceRules)
    """What it may lose in a slice."""
    dense: DenseRules = Field(default_factory=DenseRules)
    """What the dense model itself must be worth."""
    served: ServedRules = Field(default_factory=ServedRules)
    """What it may lose against the release now served."""
    privacy: PrivacyRules = Field(default_factory=PrivacyRules)
    """What it may give away of who was trained on."""
    confidence: Annotated[float, Field(gt=0.5, le=0.9999)] = 0.95
    """One-sided confidence of the bound that must stay within each margin."""
    holdout_uses: Positive = 20
    """How many different questions the same held-out days may be asked: a night run again with
    other candidates or rules is one. A search's targets are one each."""
    max_package_bytes: Positive | None = None
    """A larger package fails."""
    max_request_us: dict[Batch, Annotated[float, Field(gt=0)]] = Field(default_factory=dict)
    """By rows a request, 1 or 256, the 99th percentile in microseconds beyond which a package
    fails: `{ 256 = 5000.0 }`."""
    prefer: Literal["bytes", "latency"] = "bytes"
    """What the package that is chosen has least of."""
    min_saving: Fraction = 0.01
    """Share of the preferred cost that a package must save against the dense one."""

    @property
    def by_metric(self) -> dict[str, float]:
        """The margin of every metric that has one, AUC first."""
        others = self.margins.model_dump(exclude={"bytes", "latency"})
        return {"auc": self.margin, **{k: v for k, v in others.items() if v != REPORTED}}


class ReleaseChannel(Section):
    """Where a passing package goes."""

    role: ClassVar[str] = "release"

    channel: Annotated[str, Field(pattern=f"^{CHANNEL_NAME}$")] = "latest"
    """The channel that moves to the release."""
    older_data: bool = False
    """Whether the channel may go to a release of older days than it serves; the trigger form asks
    for it."""
    valid_days: Annotated[float, Field(gt=0)] | None = None
    """Days for which readers believe what the channel says, unless it is renewed by a publish or by
    `renew_channel`; a store that is frozen is noticed then. Without it they believe it for ever."""

    approval_hours: Annotated[float, Field(gt=0)] | None = None
    """How long a person is asked in Airflow, before the channel moves, whether what the gate
    accepted may go out; silence is a no. Without it nobody is asked."""
    approvers: tuple[str, ...] = ()
    """Who may answer, by their ids in Airflow. Default: whoever may run the DAG."""

    @property
    def valid_hours(self) -> float | None:
        """The same in hours, None where the channel's own are kept."""
        return None if self.valid_days is None else 24 * self.valid_days

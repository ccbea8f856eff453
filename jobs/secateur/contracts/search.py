"""What a search for recipes tried, as it is sealed beside the plan that it made."""

from dataclasses import dataclass

from secateur.contracts.candidates import Recipe


@dataclass(frozen=True)
class Cost:
    """What a model will weigh and take: bytes of its package, microseconds a request of 256 rows.

    Both are predicted from shapes (`pruning/units/cost_model.py`); the scorecard has measured ones.
    """

    bytes: int
    us: float


@dataclass(frozen=True)
class Outcome:
    """A recipe applied, and measured on the holdout days, with one seed.

    `loss` is the cross-entropy against the dense model's probabilities, less that of the dense
    model itself; `auc` against the labels.
    """

    loss: float
    auc: float
    cost: Cost


@dataclass(frozen=True)
class Trial:
    """One outcome: its `stage` is `scan`, a rung of the halving, `final` or `relaxed`."""

    target: str
    stage: str
    recipe: Recipe
    seed: int
    outcome: Outcome


@dataclass(frozen=True)
class SearchRecord:
    """All trials of a search, the dense model's AUC on the holdout, and whether time ran out."""

    dense_auc: float
    trials: tuple[Trial, ...]
    out_of_time: bool

"""Every metric: of all rows, with each row's influence on it, and under a resample's weights."""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from secateur.judgement.metrics.placing import Placed
from secateur.judgement.metrics.score_bins import (
    DECILES,
    decile_gaps,
    weighted_auc,
    weighted_calibration_error,
)
from secateur.judgement.metrics.scored_rows import JudgedRows, ScoredRows
from secateur.judgement.metrics.totals import Totals, Weighted
from secateur.judgement.metrics.user_order import Effective

CLASSES = ("positives", "negatives")
Influence = NDArray[np.float64]  # [n], of sum 0 over all rows


class Measured(NamedTuple):
    """A metric's value; and what each row [n] adds to it, to first order, of sum 0."""

    value: float
    influence: Influence


class Definition(NamedTuple):
    """How a metric is measured under weights [rounds], and what each row adds to it.

    Of rows it needs sums of their `columns`, whether they are `binned`, and for the influence of a
    block of them [n] the `Totals` of all. Where the value is not that of one round in which
    every row counts once, the rows' placements have it. It hangs on the rows that each of its
    `bearing` columns counts: where these are few, so many others tell nothing.
    """

    columns: tuple[str, ...]
    under_weights: Callable[[Weighted], NDArray[np.float64]]
    influence: Callable[[ScoredRows, Totals], Influence]
    binned: bool = False
    placed: bool = False
    bearing: tuple[str, ...] = CLASSES

    def effective(self, rows: JudgedRows) -> Effective:
        """How many users and items in effect are behind it, in the scarcest of its `bearing`."""
        found = [rows.effective[name] for name in self.bearing]
        return Effective(*(min(of_kind) for of_kind in zip(*found, strict=True)))

    def value(self, totals: Totals, placed: Placed | None = None) -> float:
        """The metric of all rows, NaN or infinite where they do not have it."""
        if self.placed and placed:
            return placed.area
        return float(self.under_weights(totals.one_round())[0])

    def of_rows(self, model: ScoredRows) -> Measured:
        """Value and influence where these are all rows."""
        totals = Totals(self.columns, model.bins if self.binned else None)
        totals.add(model)
        value = self.value(totals, model.places if self.placed else None)
        if not math.isfinite(value):
            return Measured(math.nan, np.full(len(model.scores), math.nan))
        return Measured(value, self.influence(model, totals))


def auc_influence(model: ScoredRows, totals: Totals) -> Influence:
    """A row's placement less the mean, over the rows of its class."""
    area, shares = model.places
    negatives = totals.rows - totals.positives
    in_class = np.where(model.rows.labels == 1, totals.positives, negatives)
    return np.asarray((shares - area) / in_class, np.float64)


def ratio(above: str, below: str, bearing: tuple[str, ...] = CLASSES) -> Definition:
    """A sum of one column over that of another; NaN where nothing is below."""
    return Definition(
        (above, below),
        lambda weighted: _ratio(weighted.sums[above], weighted.sums[below]),
        lambda model, totals: _ratio_influence(model, totals, above, below),
        bearing=bearing,
    )


def miscalibration(weighted: Weighted) -> NDArray[np.float64]:
    """|ln(sum of predictions / sum of labels)|: .1 is 10 % too high, or as much too low."""
    with np.errstate(divide="ignore"):
        return np.abs(np.log(_ratio(weighted.sums["score"], weighted.sums["positives"])))


def miscalibration_influence(model: ScoredRows, totals: Totals) -> Influence:
    """That of the ratio, over it, towards 1 or away from it."""
    ratio = totals.sums["score"] / totals.sums["positives"]
    of_ratio = _ratio_influence(model, totals, "score", "positives")
    return math.copysign(1, math.log(ratio)) * of_ratio / ratio


def calibration_error_influence(model: ScoredRows, totals: Totals) -> Influence:
    """|predicted - observed| of a row's tenth, less the mean."""
    bins, weighted = totals.bins, totals.one_round()
    signs = np.zeros(DECILES)
    signs[np.unique(bins.deciles)] = np.sign(decile_gaps(weighted.table, bins)[0])
    gaps = model.scores.astype(np.float64) - (model.rows.labels == 1)
    value = float(weighted_calibration_error(weighted.table, bins)[0])
    return np.asarray(
        (signs[bins.deciles[model.codes // 2]] * gaps - value) / totals.rows, np.float64
    )


def entropy_under_weights(weighted: Weighted) -> NDArray[np.float64]:
    """Log-loss over that of the base rate (He et al. 2014)."""
    sums = weighted.sums
    return _ratio(
        _ratio(sums["loss"], sums["rows"]), _entropy(_ratio(sums["positives"], sums["rows"]))
    )


def entropy_influence(model: ScoredRows, totals: Totals) -> Influence:
    """Through the log-loss, and through the base rate."""
    rate = totals.positives / totals.rows
    entropy = float(_entropy(np.array(rate)))
    value = totals.sums["loss"] / totals.rows / entropy
    of_rate = math.log((1 - rate) / rate) * ((model.rows.labels == 1) - rate) / totals.rows
    of_loss = _ratio_influence(model, totals, "loss", "rows")
    return np.asarray((of_loss - value * of_rate) / entropy, np.float64)


DEFINITIONS: Mapping[str, Definition] = {
    "auc": Definition(
        (), lambda weighted: weighted_auc(weighted.table), auc_influence, binned=True, placed=True
    ),
    "gauc": ratio("ranked", "ranked_rows", ("ranked_rows",)),
    "log_loss": ratio("loss", "rows"),
    "calibration": Definition(("score", "positives"), miscalibration, miscalibration_influence),
    "calibration_error": Definition(
        (),
        lambda weighted: weighted_calibration_error(weighted.table, weighted.bins),
        calibration_error_influence,
        binned=True,
    ),
    "normalized_entropy": Definition(
        ("loss", "positives", "rows"),
        entropy_under_weights,
        entropy_influence,
    ),
    "churn": ratio("change", "rows", ("rows",)),
    "top_overlap": ratio("kept_on_top", "listed_rows", ("listed_rows",)),
}


def summed_columns(metrics: Iterable[str]) -> tuple[str, ...]:
    """The columns that any of some metrics sums."""
    return tuple(dict.fromkeys(name for one in metrics for name in DEFINITIONS[one].columns))


def _ratio_influence(model: ScoredRows, totals: Totals, above: str, below: str) -> Influence:
    upper, lower = (model.column(name).astype(np.float64) for name in (above, below))
    value = totals.sums[above] / totals.sums[below]
    return np.asarray((upper - value * lower) / totals.sums[below], np.float64)


def _ratio(above: NDArray[np.float64], below: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(above / below, np.float64)


def _entropy(rate: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(-(rate * np.log(rate) + (1 - rate) * np.log1p(-rate)), np.float64)

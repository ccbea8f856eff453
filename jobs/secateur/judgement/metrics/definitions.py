"""Every metric twice: of rows, with each row's influence on it, and under a resample's weights."""

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from secateur.auc import placements
from secateur.judgement.metrics.score_bins import (
    DECILES,
    BinWeights,
    ScoreBins,
    weighted_auc,
    weighted_calibration_error,
)
from secateur.judgement.metrics.scored_rows import ScoredRows

Influence = NDArray[np.float64]  # [n], of sum 0


class Measured(NamedTuple):
    """A metric's value; and what each row [n] adds to it, to first order, of sum 0."""

    value: float
    influence: Influence


class Weighted(NamedTuple):
    """One model's rows under the weights of many rounds: by bin, and summed by column [rounds]."""

    table: BinWeights
    bins: ScoreBins
    sums: Mapping[str, NDArray[np.float64]]


class Definition(NamedTuple):
    """How a metric is measured of rows, and under weights [rounds]."""

    of_rows: Callable[[ScoredRows], Measured]
    under_weights: Callable[[Weighted], NDArray[np.float64]]


def auc_of_rows(model: ScoredRows) -> Measured:
    """AUC, exact; a row's influence is its placement less the mean, over the rows of its class."""
    labels = model.rows.labels
    placed = placements(labels, np.zeros(len(labels), np.int64), model.scores)
    positive = labels == 1
    area = float(placed[positive].mean()) if positive.any() else math.nan
    in_class = np.where(positive, positive.sum(), (~positive).sum())
    return Measured(area, (placed - area) / in_class)


def ratio_of_rows(above: str, below: str) -> Callable[[ScoredRows], Measured]:
    """A sum of one column over that of another."""

    def ratio(model: ScoredRows) -> Measured:
        upper, lower = (_column(model, name).astype(np.float64) for name in (above, below))
        total = float(lower.sum())
        value = float(upper.sum()) / total if total else math.nan
        return Measured(value, (upper - value * lower) / total if total else upper * math.nan)

    return ratio


def ratio_under_weights(above: str, below: str) -> Callable[[Weighted], NDArray[np.float64]]:
    """The same under weights; NaN where nothing is below."""
    return lambda weighted: _ratio(weighted.sums[above], weighted.sums[below])


def miscalibration_of_rows(model: ScoredRows) -> Measured:
    """|ln(sum of predictions / sum of labels)|: .1 is 10 % too high, or as much too low."""
    ratio = ratio_of_rows("score", "positives")(model)
    if not ratio.value > 0:
        return Measured(math.nan, ratio.influence * math.nan)
    away = math.log(ratio.value)
    return Measured(abs(away), math.copysign(1, away) * ratio.influence / ratio.value)


def miscalibration_under_weights(weighted: Weighted) -> NDArray[np.float64]:
    """The same under weights."""
    with np.errstate(divide="ignore"):
        return np.abs(np.log(_ratio(weighted.sums["score"], weighted.sums["positives"])))


def calibration_error_of_rows(model: ScoredRows) -> Measured:
    """Mean |predicted - observed| over the tenths of the rows by score."""
    deciles = model.bins.deciles[model.bins.codes // 2]
    gaps = model.scores.astype(np.float64) - (model.rows.labels == 1)
    signs = np.sign(np.bincount(deciles, gaps, DECILES))
    rows = len(gaps)
    value = float(np.sum(signs[deciles] * gaps)) / rows
    return Measured(value, (signs[deciles] * gaps - value) / rows)


def normalized_entropy_of_rows(model: ScoredRows) -> Measured:
    """Log-loss over that of the base rate (He et al. 2014)."""
    loss = ratio_of_rows("loss", "rows")(model)
    positive = (model.rows.labels == 1).astype(np.float64)
    rate = float(positive.mean())
    if not 0 < rate < 1:
        return Measured(math.nan, positive * math.nan)
    entropy = float(_entropy(np.array(rate)))
    value = loss.value / entropy
    slope = math.log((1 - rate) / rate)
    of_rate = slope * (positive - rate) / len(positive)
    return Measured(value, (loss.influence - value * of_rate) / entropy)


def normalized_entropy_under_weights(weighted: Weighted) -> NDArray[np.float64]:
    """The same under weights."""
    sums = weighted.sums
    return _ratio(
        _ratio(sums["loss"], sums["rows"]), _entropy(_ratio(sums["positives"], sums["rows"]))
    )


DEFINITIONS: Mapping[str, Definition] = {
    "auc": Definition(auc_of_rows, lambda weighted: weighted_auc(weighted.table)),
    "gauc": Definition(
        ratio_of_rows("ranked", "ranked_rows"), ratio_under_weights("ranked", "ranked_rows")
    ),
    "log_loss": Definition(ratio_of_rows("loss", "rows"), ratio_under_weights("loss", "rows")),
    "calibration": Definition(miscalibration_of_rows, miscalibration_under_weights),
    "calibration_error": Definition(
        calibration_error_of_rows,
        lambda weighted: weighted_calibration_error(weighted.table, weighted.bins),
    ),
    "normalized_entropy": Definition(normalized_entropy_of_rows, normalized_entropy_under_weights),
    "churn": Definition(ratio_of_rows("change", "rows"), ratio_under_weights("change", "rows")),
    "top_overlap": Definition(
        ratio_of_rows("kept_on_top", "listed_rows"),
        ratio_under_weights("kept_on_top", "listed_rows"),
    ),
}


def _column(model: ScoredRows, name: str) -> NDArray[np.float32]:
    return model.columns[name] if name in model.columns else model.rows.columns[name]


def _ratio(above: NDArray[np.float64], below: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(above / below, np.float64)


def _entropy(rate: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(-(rate * np.log(rate) + (1 - rate) * np.log1p(-rate)), np.float64)

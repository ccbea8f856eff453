"""What separates candidates from the dense model on the same rows, metric by metric."""

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from secateur.auc import Scores
from secateur.contracts.judgement import METRICS, Difference, Metric
from secateur.judgement.intervals.clusters import Clusters
from secateur.judgement.intervals.resampling import ROUNDS, resamples
from secateur.judgement.metrics.definitions import DEFINITIONS, Measured, Weighted
from secateur.judgement.metrics.scored_rows import JudgedRows, ScoredRows

Rounds = NDArray[np.float64]  # [rounds]

LEVELS = ("auc", "normalized_entropy")  # what the dense model itself must have


def differences(
    rows: JudgedRows,
    dense: Scores,
    candidates: Sequence[Scores],
    seed: int,
    rounds: int = ROUNDS,
    metrics: Sequence[Metric] = METRICS,
) -> list[dict[str, Difference]]:
    """By metric what each candidate has more than the dense model [n], with how sure that is.

    A metric that these rows do not have, such as the AUC of one class, is left out. Of no rounds
    the closed form alone is given.
    """
    models = [ScoredRows(rows, scores, dense) for scores in (dense, *candidates)]
    clusters = Clusters.of(rows.users, rows.items)
    resampled = _resampled_differences(resamples(models, clusters, seed, rounds), metrics)
    found: list[dict[str, Difference]] = [{} for _ in candidates]
    for metric in metrics:
        of_dense, *of_candidates = _of_rows(metric, models)
        of_rounds = resampled.get(metric.name, np.empty((len(candidates), 0)))
        for i, (into, measured) in enumerate(zip(found, of_candidates, strict=True)):
            one = _between(metric, of_dense, measured)
            if math.isfinite(one.value) and np.isfinite(one.influence).all():
                into[metric.name] = difference_of(one, clusters, of_rounds[i])
    return found


def _of_rows(metric: Metric, models: Sequence[ScoredRows]) -> list[Measured]:
    """A metric of every model; what it sorts is sorted on all cores."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(DEFINITIONS[metric.name].of_rows, models))


def levels(
    rows: JudgedRows, scores: Scores, seed: int, rounds: int = ROUNDS, names: Sequence[str] = LEVELS
) -> dict[str, Difference]:
    """By metric what one model [n] has, from 0, with how sure that is."""
    model, clusters = ScoredRows(rows, scores, scores), Clusters.of(rows.users, rows.items)
    resampled: dict[str, list[Rounds]] = {name: [] for name in names}
    for (weighted,) in resamples([model], clusters, seed, rounds):
        for name in names:
            resampled[name].append(DEFINITIONS[name].under_weights(weighted))
    found = {}
    for name in names:
        one = DEFINITIONS[name].of_rows(model)
        if math.isfinite(one.value) and np.isfinite(one.influence).all():
            found[name] = difference_of(one, clusters, np.concatenate(resampled[name]))
    return found


def _resampled_differences(
    resampled: Iterable[Sequence[Weighted]], metrics: Sequence[Metric]
) -> Mapping[str, Rounds]:
    """By metric the difference [candidates, rounds] in every resample."""
    parts: dict[str, list[Rounds]] = {metric.name: [] for metric in metrics}
    for weighted in resampled:
        for metric in metrics:
            values = np.stack([DEFINITIONS[metric.name].under_weights(w) for w in weighted])
            with np.errstate(invalid="ignore"):  # a round may leave no positive
                apart = values[1:] / values[0] - 1 if metric.relative else values[1:] - values[0]
            parts[metric.name].append(apart)
    return {name: np.concatenate(part, axis=1) for name, part in parts.items() if part}


def _between(metric: Metric, dense: Measured, candidate: Measured) -> Measured:
    """The difference, or for a relative metric the share of dense that it makes."""
    if not metric.relative:
        return Measured(candidate.value - dense.value, candidate.influence - dense.influence)
    if dense.value == 0:
        return Measured(math.nan, candidate.influence)
    ratio = candidate.value / dense.value
    return Measured(ratio - 1, (candidate.influence - ratio * dense.influence) / dense.value)


def difference_of(measured: Measured, clusters: Clusters, resampled: Rounds) -> Difference:
    """A value and its interval, the closed form's where nothing was `resampled` [rounds].

    It says which part of the resamples' variance is believed.
    """
    spread = clusters.spread(measured.influence)
    known = resampled[np.isfinite(resampled)]
    agreement = 1.0
    if len(known) > 1 and spread.product > 0:
        agreement = float(np.var(known, ddof=1)) / spread.product
    return Difference(
        estimate=measured.value,
        standard_error=math.sqrt(spread.variance * max(agreement, 1.0)),
        degrees_of_freedom=spread.freedom,
        skewness=spread.skewness,
        error_skewness=spread.error_skewness,
        closed_form_error=math.sqrt(spread.variance),
        resampled_error=math.sqrt(spread.variance * agreement) if len(known) > 1 else None,
        effective_users=clusters.users.effective,
        effective_items=clusters.items.effective,
    )

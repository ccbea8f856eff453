"""What separates candidates from the dense model on the same rows, metric by metric."""

import math
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from secateur.auc import Scores
from secateur.contracts.judgement import METRICS, Difference, Metric
from secateur.judgement.intervals.clusters import InfluenceSums, Spread
from secateur.judgement.intervals.resampling import ROUNDS, sum_rows
from secateur.judgement.metrics.definitions import DEFINITIONS, Influence
from secateur.judgement.metrics.models import Model
from secateur.judgement.metrics.placing import Placed
from secateur.judgement.metrics.scored_rows import JudgedRows
from secateur.judgement.metrics.scratch import row_slices
from secateur.judgement.metrics.totals import Totals
from secateur.judgement.metrics.user_order import Effective

Rounds = NDArray[np.float64]  # [rounds]

LEVELS = ("auc", "normalized_entropy")  # what the dense model itself must have
CANDIDATES_AT_ONCE = 4  # whose influence is summed by group, and whose placements lie in scratch


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
    the closed form alone is given. Rows and scores may be mapped files: they are read in blocks,
    and memory holds a block, sums by user and item of a few candidates, and every model's bins.
    """
    models, names = Model.all_of(rows, dense, *candidates), [metric.name for metric in metrics]
    of_dense, *of_candidates = (
        _Known(model, *summed)
        for model, summed in zip(models, sum_rows(models, names, seed, rounds), strict=True)
    )
    found = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        of_dense = of_dense.place(names)
        for some in row_slices(len(candidates), CANDIDATES_AT_ONCE):
            found += _compare(pool, metrics, of_dense, of_candidates[some])
    return found


def _compare(
    pool: Executor, metrics: Sequence[Metric], dense: "_Known", candidates: Sequence["_Known"]
) -> list[dict[str, Difference]]:
    """The differences of a few candidates, whose placements go when they are told."""
    names, rows = [metric.name for metric in metrics], dense.model.rows
    placed = pool.map(lambda one: one.place(names), candidates)
    compared = [_Compared(metrics, dense, one) for one in placed]
    for block in rows.order.blocks:
        at_hand = rows.by_user.part(block)
        influences = dense.influences(names, at_hand, block)
        list(pool.map(lambda o, a=at_hand, i=influences, b=block: o.add(a, b, i), compared))
    return list(pool.map(_Compared.differences, compared))


def levels(
    rows: JudgedRows, scores: Scores, seed: int, rounds: int = ROUNDS, names: Sequence[str] = LEVELS
) -> dict[str, Difference]:
    """By metric what one model [n] has, from 0, with how sure that is."""
    models = Model.all_of(rows, scores)
    (summed,) = sum_rows(models, names, seed, rounds)
    known = _Known(models[0], *summed).place(names)
    by_group = {
        name: InfluenceSums(rows.order) for name in names if math.isfinite(known.value(name))
    }
    for block in rows.order.blocks:
        influences = known.influences(list(by_group), rows.by_user.part(block), block)
        for name, influence in influences.items():
            by_group[name].add(block, influence)
    return {
        name: _difference(name, known.value(name), sums, rows, known.rounds[name])
        for name, sums in by_group.items()
    }


class _Known(NamedTuple):
    """A model with its sums of all rows, its metrics of every round, and where its rows stand."""

    model: Model
    totals: Totals
    rounds: Mapping[str, Rounds]
    placed: Placed | None = None

    def place(self, names: Sequence[str]) -> "_Known":
        """The same once its rows are placed, where a metric asks for it."""
        asked = any(DEFINITIONS[name].placed for name in names)
        return self._replace(placed=self.model.place()) if asked else self

    def value(self, name: str) -> float:
        """A metric of all rows."""
        return DEFINITIONS[name].value(self.totals, self.placed)

    def influences(
        self, names: Sequence[str], rows: JudgedRows, block: slice
    ) -> dict[str, Influence]:
        """By metric that these rows have, what each of a block's rows [n] adds to it."""
        scored = self.model.block(rows, block, self.placed)
        return {
            name: DEFINITIONS[name].influence(scored, self.totals)
            for name in names
            if math.isfinite(self.value(name))
        }


class _Compared:
    """One candidate beside the dense model, as blocks of rows come in."""

    def __init__(self, metrics: Sequence[Metric], dense: _Known, candidate: _Known) -> None:
        self._dense, self._candidate = dense, candidate
        self._rows = candidate.model.rows
        apart = {metric: _apart(metric, dense, candidate) for metric in metrics}
        self._apart = {metric: value for metric, value in apart.items() if math.isfinite(value)}
        self._sums = {metric.name: InfluenceSums(self._rows.order) for metric in self._apart}

    def add(self, rows: JudgedRows, block: slice, of_dense: Mapping[str, Influence]) -> None:
        """Add a block's rows."""
        names = list(self._sums)
        of_candidate = self._candidate.influences(names, rows, block)
        for metric, apart in self._apart.items():
            dense, candidate = of_dense[metric.name], of_candidate[metric.name]
            more = candidate - (1 + apart if metric.relative else 1) * dense
            scale = self._dense.value(metric.name) if metric.relative else 1
            self._sums[metric.name].add(block, more / scale)

    def differences(self) -> dict[str, Difference]:
        """By metric, once all rows are there."""
        return {
            metric.name: _difference(
                metric.name,
                value,
                self._sums[metric.name],
                self._rows,
                _rounds_apart(metric, self._dense, self._candidate),
            )
            for metric, value in self._apart.items()
        }


def _apart(metric: Metric, dense: _Known, candidate: _Known) -> float:
    """The difference, or for a relative metric the share of dense that it makes."""
    of_dense, of_candidate = dense.value(metric.name), candidate.value(metric.name)
    if not metric.relative:
        return of_candidate - of_dense
    return of_candidate / of_dense - 1 if of_dense else math.nan


def _rounds_apart(metric: Metric, dense: _Known, candidate: _Known) -> Rounds:
    of_dense, of_candidate = dense.rounds[metric.name], candidate.rounds[metric.name]
    with np.errstate(invalid="ignore"):  # a round may leave no positive
        return of_candidate / of_dense - 1 if metric.relative else of_candidate - of_dense


def _difference(
    name: str, value: float, sums: InfluenceSums, rows: JudgedRows, resampled: Rounds
) -> Difference:
    """A metric's difference, of sums of all rows' influence."""
    effective = DEFINITIONS[name].effective(rows)
    return difference_of(value, sums.spread(effective), effective, resampled)


def difference_of(
    value: float, spread: Spread, effective: Effective, resampled: Rounds
) -> Difference:
    """A value and its interval, the closed form's where nothing was `resampled` [rounds].

    It says which part of the resamples' variance is believed.
    """
    known = resampled[np.isfinite(resampled)]
    agreement = 1.0
    if len(known) > 1 and spread.product > 0:
        agreement = float(np.var(known, ddof=1)) / spread.product
    return Difference(
        estimate=value,
        standard_error=math.sqrt(spread.variance * max(agreement, 1.0)),
        degrees_of_freedom=spread.freedom,
        skewness=spread.skewness,
        error_skewness=spread.error_skewness,
        closed_form_error=math.sqrt(spread.variance),
        resampled_error=math.sqrt(spread.variance * agreement) if len(known) > 1 else None,
        effective_users=effective.users,
        effective_items=effective.items,
    )

"""How sure a difference in AUC is: a paired bootstrap over users, and bounds drawn from it.

Rows of one user are not independent, so whole users are resampled, and both models see the same
resample: what they share cancels. Only the standard error is taken from the bootstrap; bounds
are normal (Efron and Tibshirani 1993, 13.3), because the far quantiles that a correction for
many candidates asks for cannot be read off a thousand rounds.
"""

from collections.abc import Iterator
from statistics import NormalDist

import numpy as np

from secateur.auc import Scores, WeightedAuc, Weights, auc
from secateur.contracts.judgement import Difference, Interval
from secateur.judgement.accuracy import BinaryLabels, Users

ROUNDS = 1000  # knows the standard error to 1 / sqrt(2 * ROUNDS) = 2 %
POWER = 0.8
CACHED = 2**20  # resampled rows worked on at once; more would fall out of a core's cache


def paired_difference(
    labels: BinaryLabels,
    users: Users,
    dense: Scores,
    candidate: Scores,
    seed: int,
    rounds: int = ROUNDS,
) -> Difference | None:
    """AUC(candidate) - AUC(dense) on the same rows [n], with its bootstrap standard error.

    `users` are codes, any integers. None when one class is absent.
    """
    of_dense, of_candidate = auc(labels, dense), auc(labels, candidate)
    if of_dense is None or of_candidate is None:
        return None
    known, codes = np.unique(users, return_inverse=True)
    of_resampled = [WeightedAuc(labels, codes, scores) for scores in (dense, candidate)]
    resampled = [
        of_resampled[1](counts) - of_resampled[0](counts)
        for counts in _resamples(len(known), rounds, max(1, CACHED // len(labels)), seed)
    ]
    error = float(np.nanstd(np.concatenate(resampled), ddof=1))
    return Difference(of_candidate - of_dense, error)


def bounds(difference: Difference, confidence: float) -> Interval:
    """Lower and upper bound, each of which alone holds with `confidence`.

    The estimate is taken to be normal, with the standard error of the resamples.
    """
    reach = NormalDist().inv_cdf(confidence) * difference.standard_error
    estimate = difference.estimate
    return Interval(estimate, estimate - reach, estimate + reach, confidence)


def bonferroni(confidence: float, comparisons: int) -> float:
    """The confidence that each of several bounds needs so that all hold together (Bonferroni)."""
    return 1 - (1 - confidence) / max(comparisons, 1)


def supported_margin(difference: Difference, confidence: float) -> float:
    """Smallest margin at which an equally good candidate passes with 80 % power.

    A candidate passes when estimate - z(confidence) * SE >= -margin. When the true difference
    is 0, that has probability `POWER` at margin = (z(confidence) + z(POWER)) * SE
    (Blackwelder 1982).
    """
    normal = NormalDist()
    return (normal.inv_cdf(confidence) + normal.inv_cdf(POWER)) * difference.standard_error


def _resamples(users: int, rounds: int, chunk: int, seed: int) -> Iterator[Weights]:
    """How often each user is drawn: [users, up to `chunk`] at a time, `rounds` columns in all."""
    rng = np.random.default_rng(seed)
    for start in range(0, rounds, chunk):
        width = min(chunk, rounds - start)
        drawn = rng.integers(0, users, (users, width)) * width + np.arange(width)
        counts = np.bincount(drawn.ravel(), minlength=users * width)
        yield counts.reshape(users, width).astype(np.float32)

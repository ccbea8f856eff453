"""Bounds of a difference at any confidence, and what its rows could resolve."""

import math
from functools import lru_cache
from statistics import NormalDist

import numpy as np

from secateur.contracts.judgement import Difference, Interval

POWER = 0.8
LEAST_TAIL = 1e-13  # the integral is right to 1e-15 or so
FEWEST_GROUPS = 10  # effective users, and items; of fewer no bound is believed
NODES, WEIGHTS = np.polynomial.legendre.leggauss(96)


def bounds(difference: Difference, confidence: float) -> Interval:
    """Lower and upper bound, each of which alone holds with `confidence`."""
    low = difference.standard_error * reach(difference, confidence)
    high = difference.standard_error * reach(difference, confidence, upper=True)
    estimate = difference.estimate
    return Interval(estimate, estimate - low, estimate + high, confidence)


def reach(difference: Difference, confidence: float, *, upper: bool = False) -> float:
    """How many standard errors the lower (or upper) bound lies from the estimate.

    Student's quantile, and what skewness adds to it by the Edgeworth expansion of a studentized
    sum (Hall 1992, 2.6). Skewness that would bring the bound nearer is not believed.
    """
    t = student_quantile(confidence, difference.degrees_of_freedom)
    sign = -1.0 if upper else 1.0
    skewness = min(sign * difference.skewness, 0.0)
    with_error = min(sign * difference.error_skewness, 0.0)
    return t + max(skewness * (t * t - 1) / 6 - with_error * t * t / 2, 0.0)


@lru_cache(maxsize=4096)
def student_quantile(probability: float, freedom: float) -> float:
    """Student's t at a probability above .5 and `freedom` >= 1 degrees of freedom.

    Bisection on the distribution function, which Gauss and Legendre's rule integrates. From ten
    thousand degrees on its expansion about the normal quantile is nearer, and from a million on
    that quantile itself. Raises ValueError for a probability so near to 1 that what lies beyond is
    lost among the digits.
    """
    if not 1 - probability > LEAST_TAIL:
        raise ValueError(f"no quantile is known at {probability!r}: too near to 1")
    normal = NormalDist().inv_cdf(probability)
    if freedom >= 1e4:
        return normal + (normal**3 + normal) / (4 * freedom) * (freedom < 1e6)
    low, high = 0.0, normal + 1.0
    while _beyond(high, freedom) > 1 - probability:
        high *= 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _beyond(middle, freedom) > 1 - probability else (low, middle)
    return high


def bonferroni(confidence: float, comparisons: int) -> float:
    """The confidence that each of several bounds needs so that all hold together (Bonferroni)."""
    return 1 - (1 - confidence) / max(comparisons, 1)


def supported_margin(difference: Difference, confidence: float, *, upper: bool = False) -> float:
    """Smallest margin at which an equally good candidate passes with 80 % power.

    `upper` is where more is worse, so that the upper bound is held against the margin.

    A candidate passes when estimate - reach * SE >= -margin. When the true difference is 0, that
    has probability `POWER` at margin = (reach + t(POWER)) * SE (Blackwelder 1982).
    """
    resolved = student_quantile(POWER, difference.degrees_of_freedom)
    return (reach(difference, confidence, upper=upper) + resolved) * difference.standard_error


def _beyond(t: float, freedom: float) -> float:
    """The probability of more than `t` >= 0: the density over t = sqrt(freedom) tan(angle)."""
    angle = math.atan(t / math.sqrt(freedom))
    log_front = math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2) - math.log(math.pi) / 2
    density = np.cos((NODES + 1) * angle / 2) ** (freedom - 1)
    return 0.5 - math.exp(log_front) * float(WEIGHTS @ density) * angle / 2

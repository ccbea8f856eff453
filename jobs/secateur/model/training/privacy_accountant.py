"""What private steps cost: epsilon by Renyi differential privacy.

A step that draws every row with probability q and adds noise of s times the clip is, of a whole
order a, (a, R(a))-private with

    R(a) = ln(sum over k = 0..a of C(a, k) (1 - q)^(a - k) q^k exp((k^2 - k) / (2 s^2))) / (a - 1)

(Mironov, Talwar and Zhang 2019, arXiv:1908.10530, section 3.3). Steps add up, and the best order
gives epsilon = R + ln((a - 1) / a) - (ln delta + ln a) / (a - 1) (Canonne, Kamath and Steinke,
NeurIPS 2020, proposition 12). Neighbours differ by one row that is there or not.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from secateur.contracts.models import PrivateSteps

ORDERS = (*range(2, 129), *range(136, 513, 8))


def epsilon(runs: Sequence[PrivateSteps], delta: float) -> float:
    """The epsilon at `delta` of all steps together, whichever of them were taken first."""
    spent = sum((one.steps * renyi_of_step(one) for one in runs), np.zeros(len(ORDERS)))
    orders = np.array(ORDERS, np.float64)
    found = spent + np.log1p(-1 / orders) - (math.log(delta) + np.log(orders)) / (orders - 1)
    return max(float(found.min()), 0.0)


def renyi_of_step(one: PrivateSteps) -> NDArray[np.float64]:
    """R [orders] of one step at each of the `ORDERS`."""
    return np.array([_renyi(one.sample_rate, one.noise_multiplier, order) for order in ORDERS])


def _renyi(rate: float, noise: float, order: int) -> float:
    if rate >= 1:
        return order / (2 * noise**2)
    chosen = np.arange(order + 1)
    logs = np.array([_log_choose(order, k) for k in range(order + 1)])
    logs += (order - chosen) * math.log1p(-rate) + chosen * math.log(rate)
    logs += (chosen**2 - chosen) / (2 * noise**2)
    return float(np.logaddexp.reduce(logs)) / (order - 1)


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)

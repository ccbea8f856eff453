"""The closed form: the variance of a sum over rows that share users and items.

A difference of two models is, to first order, a sum of each row's influence on it. Rows of one user
are not independent, nor are those of one item: a pruned row errs for all events of its item. With
`V_u` the squared sums of influence by user, `V_i` by item and `V_c` by cell (a user with an item),
the variance is V_u + V_i - V_c (Cameron, Gelbach and Miller, JBES 29, 2011). That of a
product-weight resample is V_u + V_i + V_c (Owen, AOAS 1, 2007): it draws a row's noise three times.

Where few users or items hold most rows, `V_u` or `V_i` hangs on how those few happened to err. So a
second estimate is taken, of what a group adds to each of its rows, from the products of pairs of
rows inside the groups, every row weighing alike; it stands for groups that err as the others do.
The larger of the two counts. How many groups there are in effect, 1 / sum of squared shares (Kish),
gives Student's degrees of freedom (Satterthwaite), of which there are never more than groups of the
scarcer kind, less one, among the rows that the metric hangs on: of a thousand users who have ten
positives the AUC tells what ten users do. And skewness widens the bound, for an estimate
that came out well by luck has a small error by the same luck (Johnson, JASA 73, 1978).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from secateur.judgement.metrics.definitions import Influence
from secateur.judgement.metrics.scratch import scratch
from secateur.judgement.metrics.user_order import Effective, Grouping, UserOrder

MOST_FREEDOM = 1e6  # degrees; a normal distribution to every digit that is shown
SMALLEST = 1e-300


class Spread(NamedTuple):
    """How widely a difference would vary over other users and items, to first order.

    `variance` is what is believed, `product` what product-weight resamples must show. `skewness` is
    that of the estimate, `error_skewness` its covariance with the variance in the same units.
    """

    variance: float
    product: float
    freedom: float
    skewness: float
    error_skewness: float


class _Part(NamedTuple):
    """What one grouping adds: by its groups as they are, and by what groups do in general."""

    observed: float
    general: float
    freedom: float
    third: float  # the third moment of the sum, and what of it bears on the variance
    third_with_variance: float


class InfluenceSums:
    """Sums of a difference's influence by user, by item and by cell, as blocks of rows come in."""

    def __init__(self, order: UserOrder) -> None:
        self._order = order
        groups = (order.users, order.items)
        self._sums, self._squares = (
            [scratch(len(group.rows), np.float64) for group in groups] for _ in range(2)
        )
        self._of_cells = 0.0

    def add(self, block: slice, influence: Influence) -> None:
        """Add a block's rows, whose influence [n] is in the order of users."""
        cells = self._order.cells[block]
        self._of_cells += float(np.sum(np.bincount(cells, influence) ** 2))
        for into, values in ((self._sums, influence), (self._squares, influence**2)):
            users, items = self._order.users.codes[block], self._order.items.codes[block]
            by_user = np.bincount(users - users[0], values)
            into[0][users[0] : users[-1] + 1] += by_user
            np.add.at(into[1], items, values)

    def spread(self, effective: Effective) -> Spread:
        """The variance of the difference, once all rows are there, of which so many bear on it."""
        groups, rows = (self._order.users, self._order.items), len(self._order.places)
        parts = [
            _part(group, sums, squares, self._of_cells)
            for group, sums, squares in zip(groups, self._sums, self._squares, strict=True)
        ]
        added = [max(part.observed, part.general) for part in parts]
        variance = self._of_cells + sum(added)
        # A part of the variance that came out small by luck is not for that well known.
        most = max(min(effective) - 1, 1.0)
        return Spread(
            variance=variance,
            product=3 * self._of_cells + sum(part.observed for part in parts),
            freedom=min(_freedom(variance, added, parts, rows), most),
            skewness=_skewness_of([part.third for part in parts], variance),
            error_skewness=_skewness_of([part.third_with_variance for part in parts], variance),
        )


def spread_of(order: UserOrder, influence: Influence, effective: Effective | None = None) -> Spread:
    """The variance of a difference whose rows have this influence [n], in the order given.

    It hangs on as many users and items as all rows have, where fewer are not said to bear on it.
    """
    sums = InfluenceSums(order)
    for block in order.blocks:
        sums.add(block, influence[order.places[block]])
    return sums.spread(effective or order.effective)


def _part(
    group: Grouping, sums: NDArray[np.float64], squares: NDArray[np.float64], of_cells: float
) -> _Part:
    n, h = group.rows.astype(np.float64), group.shares
    total = float(n.sum())
    observed = max(float(np.sum(sums**2)) - of_cells, 0.0)
    many = n > 1
    if not many.any():
        return _Part(observed, 0.0, MOST_FREEDOM, 0.0, 0.0)
    weights = np.where(many, h, 0) / h[many].sum()
    # Each group's effect was measured from a mean that holds a share of itself.
    unseen = np.maximum(1 - 2 * h + group.concentration, SMALLEST)
    pairs = np.divide(
        total**2 * (sums**2 - squares) / unseen, n * (n - 1), out=np.zeros(len(n)), where=many
    )
    effect = max(float(weights @ pairs), 0.0)
    noise = total * float(squares.sum()) / n
    reliable = weights * effect / np.maximum(effect + noise, SMALLEST)
    third = float(reliable @ (sums / h) ** 3) / max(float(reliable.sum()), SMALLEST)
    return _Part(
        observed=observed,
        general=effect * group.concentration,
        freedom=max(1 / float(np.sum(weights**2)) - 1, 1.0),
        third=third * float(np.sum(h**3)),
        third_with_variance=third * group.concentration * float(h @ weights),
    )


def _freedom(variance: float, added: Sequence[float], parts: Sequence[_Part], rows: int) -> float:
    """Satterthwaite's degrees of freedom of a sum of variances."""
    spread = sum(v**2 / part.freedom for v, part in zip(added, parts, strict=True))
    spread += max(variance - sum(added), 0.0) ** 2 / max(rows - 1, 1)
    return min(variance**2 / spread, MOST_FREEDOM) if spread > 0 else MOST_FREEDOM


def _skewness_of(thirds: Sequence[float], variance: float) -> float:
    return sum(thirds) / variance**1.5 if variance > 0 else 0.0

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
scarcer kind, less one; and skewness widens the bound, for an estimate
that came out well by luck has a small error by the same luck (Johnson, JASA 73, 1978).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from secateur.judgement.metrics.definitions import Influence
from secateur.judgement.metrics.scored_rows import Codes

MOST_FREEDOM = 1e6  # degrees; a normal distribution to every digit that is shown
SMALLEST = 1e-300


@dataclass(frozen=True)
class Grouping:
    """Rows [n] by group: each row's code from 0, and the rows of every group [g]."""

    codes: NDArray[np.int64]
    rows: NDArray[np.float64]

    @staticmethod
    def of(codes: Codes) -> "Grouping":
        """Number the groups from 0."""
        _, dense, rows = np.unique(codes, return_inverse=True, return_counts=True)
        return Grouping(dense.astype(np.int64), rows.astype(np.float64))

    @cached_property
    def shares(self) -> NDArray[np.float64]:
        """Share of all rows [g]."""
        return np.asarray(self.rows / self.rows.sum(), np.float64)

    @cached_property
    def concentration(self) -> float:
        """Sum of squared shares."""
        return float(np.sum(self.shares**2))

    @property
    def effective(self) -> float:
        """How many groups of equal size would be as concentrated."""
        return 1 / self.concentration

    def sums(self, values: Influence) -> NDArray[np.float64]:
        """Sums [g] of values [n]."""
        return np.bincount(self.codes, values, len(self.rows)).astype(np.float64)


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


@dataclass(frozen=True)
class Clusters:
    """Rows by user, by item, and by both; cheap to reuse for many candidates and metrics."""

    users: Grouping
    items: Grouping
    cells: Grouping

    @staticmethod
    def of(users: Codes, items: Codes) -> "Clusters":
        """Group rows [n] by the codes of their users and of their items."""
        by_user, by_item = Grouping.of(users), Grouping.of(items)
        both = by_user.codes * len(by_item.rows) + by_item.codes
        return Clusters(by_user, by_item, Grouping.of(both))

    def spread(self, influence: Influence) -> Spread:
        """The variance of a difference whose rows have this influence [n]."""
        of_cells = float(np.sum(self.cells.sums(influence) ** 2))
        parts = [_part(group, influence, of_cells) for group in (self.users, self.items)]
        added = [max(part.observed, part.general) for part in parts]
        variance = of_cells + sum(added)
        return Spread(
            variance=variance,
            product=3 * of_cells + sum(part.observed for part in parts),
            freedom=min(_freedom(variance, added, parts, len(influence)), self._most_freedom),
            skewness=_skewness_of([part.third for part in parts], variance),
            error_skewness=_skewness_of([part.third_with_variance for part in parts], variance),
        )

    @property
    def _most_freedom(self) -> float:
        """A part of the variance that came out small by luck is not for that well known."""
        return max(min(self.users.effective, self.items.effective) - 1, 1.0)


def _part(group: Grouping, influence: Influence, of_cells: float) -> _Part:
    n, h = group.rows, group.shares
    sums, total = group.sums(influence), len(influence)
    observed = max(float(np.sum(sums**2)) - of_cells, 0.0)
    many = n > 1
    if not many.any():
        return _Part(observed, 0.0, MOST_FREEDOM, 0.0, 0.0)
    squares = group.sums(influence**2)
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

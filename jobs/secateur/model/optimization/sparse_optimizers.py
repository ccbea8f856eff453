"""Optimizers of tables that read and write only the rows that a batch touches.

A step is `visit`, which gives the touched rows as they would be had every row been updated at
every step, then `step` with their gradients. `flush` brings all rows up to date, before the table
is looked at or saved. Tables share their rows: row r of each is visited together.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

import torch
from torch import Tensor

from secateur.model.optimization.learning_rates import BETA1, BETA2, EPSILON, Absence, Horizon

ADAM = ("exp_avg", "exp_avg_sq")  # the moments, as torch names them
CHUNK = 1 << 16  # rows brought up to date at once


class RowOptimizer(Protocol):
    """What updates tables row by row."""

    def visit(self, rows: Tensor) -> list[Tensor]:
        """The rows at `rows` int64 [n], no two the same, of each table [n, width]."""

    def step(self, gradients: Sequence[Tensor]) -> None:
        """Update the rows just visited by their gradients, [n, width] a table."""

    def flush(self) -> None:
        """Bring every row up to the last step."""

    def moments(self) -> list[dict[str, Tensor]]:
        """A table's moments by their names, each [rows, ..], once `flush` was called."""

    def inherit(self, moments: Sequence[Mapping[str, Tensor]]) -> None:
        """Begin with what `moments` once gave, a table; what is missing begins at 0."""

    def state(self) -> dict[str, Tensor]:
        """The tensors that it goes on from, as they live: beside them only the tables count."""

    def resume(self, state: dict[str, Tensor]) -> None:
        """Go on from a state that was kept, the tables being as they were then."""


class Rowwise:
    """Tables, and the step at which each of their rows was last visited."""

    def __init__(self, tables: Sequence[Tensor], horizon: Horizon) -> None:
        self.tables = [table.detach() for table in tables]
        self.horizon = horizon.to(tables[0].device)
        self.now = 0
        self.last = torch.zeros(len(tables[0]), dtype=torch.int32, device=tables[0].device)
        self.rows = torch.empty(0, dtype=torch.int64)
        self.visited: list[Tensor] = []

    def visit(self, rows: Tensor) -> list[Tensor]:
        """See RowOptimizer."""
        self.rows = rows
        self.visited = self._caught_up(rows)
        return [weights.detach() for weights in self.visited]

    def step(self, gradients: Sequence[Tensor]) -> None:
        """See RowOptimizer."""
        self.now += 1
        rate = self.horizon.rate(self.now)
        for number, (weights, gradient) in enumerate(zip(self.visited, gradients, strict=True)):
            weights.mul_(1 - rate * self.horizon.decay)
            self._descend(number, weights, gradient, rate)
            self.tables[number].index_copy_(0, self.rows, weights)
        self.last[self.rows] = self.now

    def flush(self) -> None:
        """See RowOptimizer."""
        for rows in self._behind():
            for table, weights in zip(self.tables, self._caught_up(rows), strict=True):
                table.index_copy_(0, rows, weights)
            self._settle(rows)
            self.last[rows] = self.now

    def moments(self) -> list[dict[str, Tensor]]:
        """See RowOptimizer."""
        raise NotImplementedError

    def inherit(self, moments: Sequence[Mapping[str, Tensor]]) -> None:
        """See RowOptimizer."""
        for own, given in zip(self.moments(), moments, strict=True):
            for name in own.keys() & given.keys():
                own[name].copy_(given[name])

    def state(self) -> dict[str, Tensor]:
        """See RowOptimizer."""
        return {"now": torch.tensor(self.now), "last": self.last}

    def resume(self, state: dict[str, Tensor]) -> None:
        """See RowOptimizer."""
        self.now = int(state["now"])
        for name, tensor in self.state().items():
            tensor.copy_(state[name])

    def _behind(self) -> Iterator[Tensor]:
        for rows in torch.split(torch.nonzero(self.last < self.now)[:, 0], CHUNK):
            if len(rows):
                yield rows

    def _caught_up(self, rows: Tensor) -> list[Tensor]:
        raise NotImplementedError

    def _settle(self, rows: Tensor) -> None:
        """Write what else `_caught_up` brought up to date."""

    def _descend(self, number: int, weights: Tensor, gradient: Tensor, rate: float) -> None:
        """Move the visited rows of one table, in place."""
        raise NotImplementedError


class LazyAdam(Rowwise):
    """Dense AdamW, to rounding, at the cost of the touched rows: see `Horizon`.

    Moments that stand still between a row's visits, as those of torch's SparseAdam do, rank worse.
    """

    def __init__(self, tables: Sequence[Tensor], horizon: Horizon) -> None:
        super().__init__(tables, horizon)
        self.pairs = [(torch.zeros_like(t), torch.zeros_like(t)) for t in self.tables]
        self._now_moments: list[tuple[Tensor, Tensor]] = []

    def moments(self) -> list[dict[str, Tensor]]:
        """See RowOptimizer; named as torch's Adam names them."""
        return [dict(zip(ADAM, pair, strict=True)) for pair in self.pairs]

    def state(self) -> dict[str, Tensor]:
        """See RowOptimizer."""
        moments = {
            f"{name}.{number}": moment
            for number, pair in enumerate(self.pairs)
            for name, moment in zip(("m", "v"), pair, strict=True)
        }
        return super().state() | moments

    def _caught_up(self, rows: Tensor) -> list[Tensor]:
        absence = self.horizon.absence(self.last[rows].long(), self.now)
        self._now_moments = [(m[rows], v[rows]) for m, v in self.pairs]
        return [
            _endure(table[rows], m, v, absence)
            for table, (m, v) in zip(self.tables, self._now_moments, strict=True)
        ]

    def _settle(self, rows: Tensor) -> None:
        for moments, now in zip(self.pairs, self._now_moments, strict=True):
            for moment, values in zip(moments, now, strict=True):
                moment.index_copy_(0, rows, values)

    def _descend(self, number: int, weights: Tensor, gradient: Tensor, rate: float) -> None:
        steps = self.now + self.horizon.before
        m, v = self._now_moments[number]
        m.lerp_(gradient, 1 - BETA1)
        v.mul_(BETA2).addcmul_(gradient, gradient, value=1 - BETA2)
        spread = (v / (1 - BETA2**steps)).sqrt_().add_(EPSILON)
        weights.addcdiv_(m, spread, value=-rate / (1 - BETA1**steps))
        for moment, values in zip(self.pairs[number], (m, v), strict=True):
            moment.index_copy_(0, self.rows, values)


class RowwiseAdagrad(Rowwise):
    """Adagrad with one sum of squares a row: G += mean(g^2), w -= rate * g / (sqrt(G) + eps).

    Its state is 1/width of the table (Mudigere et al., ISCA 2022, section 4.1.4, as in FBGEMM).
    """

    def __init__(self, tables: Sequence[Tensor], horizon: Horizon) -> None:
        super().__init__(tables, horizon)
        self.sums = [table.new_zeros(len(table), 1) for table in self.tables]

    def moments(self) -> list[dict[str, Tensor]]:
        """See RowOptimizer."""
        return [{"sum": sums} for sums in self.sums]

    def state(self) -> dict[str, Tensor]:
        """See RowOptimizer."""
        return super().state() | {f"G.{number}": sums for number, sums in enumerate(self.sums)}

    def _caught_up(self, rows: Tensor) -> list[Tensor]:
        kept = self.horizon.kept(self.last[rows].long(), self.now)
        return [table[rows] * kept for table in self.tables]

    def _descend(self, number: int, weights: Tensor, gradient: Tensor, rate: float) -> None:
        sums = self.sums[number][self.rows] + gradient.square().mean(dim=1, keepdim=True)
        self.sums[number].index_copy_(0, self.rows, sums)
        weights.addcdiv_(gradient, sums.sqrt().add_(EPSILON), value=-rate)


def _endure(weights: Tensor, m: Tensor, v: Tensor, absence: Absence) -> Tensor:
    """Weights after an absence; their moments fade in place."""
    move = m / (v.sqrt().add_(absence.floor))
    m.mul_(absence.fade1)
    v.mul_(absence.fade2)
    return weights.mul_(absence.keep).sub_(move.mul_(absence.drift))

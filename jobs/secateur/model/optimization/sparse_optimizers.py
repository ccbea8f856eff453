"""Optimizers of tables that read and write only the rows that a batch touches.

A step is `read_rows`, which gives the touched rows as they would be had every row been updated at
every step, then `step` with their gradients. `flush` brings all rows up to date, before the table
is evaluated or saved. Tables share their rows: row r of each is read together.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

import torch
from torch import Tensor

from secateur.model.optimization.closed_form_adamw import (
    BETA1,
    BETA2,
    EPSILON,
    ClosedFormAdamW,
)

ADAM = ("exp_avg", "exp_avg_sq")  # the moments, as torch names them
CHUNK = 1 << 16  # rows brought up to date at once


class SparseOptimizer(Protocol):
    """Updates tables [rows, width] row by row."""

    def read_rows(self, rows: Tensor) -> list[Tensor]:
        """The rows at `rows` int64 [n], no two the same, of each table float32 [n, width]."""

    def step(self, gradients: Sequence[Tensor]) -> None:
        """Update the rows just read by their gradients, float32 [n, width] a table."""

    def flush(self) -> None:
        """Bring every row up to the last step."""

    def moments(self) -> list[dict[str, Tensor]]:
        """A table's moments by name, each float32 [rows, width or 1], once `flush` was called."""

    def load_moments(self, moments: Sequence[Mapping[str, Tensor]]) -> None:
        """Begin with `moments`, named and shaped as the method returns them; others begin at 0."""

    def state(self) -> dict[str, Tensor]:
        """The live tensors, of the shapes [], [rows] and those of moments, to go on from.

        The tables themselves are not among them.
        """

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Go on from a `state`, named and shaped as it was, the tables being as they were then."""


class TouchedRows:
    """Tables [rows, width], and the step at which each of their rows was last updated."""

    def __init__(self, tables: Sequence[Tensor], closed_form: ClosedFormAdamW) -> None:
        self.tables = [table.detach() for table in tables]
        self.closed_form = closed_form.to(tables[0].device)
        self.now = 0
        self.last = torch.zeros(len(tables[0]), dtype=torch.int32, device=tables[0].device)
        self.rows = torch.empty(0, dtype=torch.int64)
        self.weights: list[Tensor] = []

    def read_rows(self, rows: Tensor) -> list[Tensor]:
        """See SparseOptimizer: int64 [n] to float32 [n, width] a table."""
        self.rows = rows
        self.weights = self._catch_up(rows)
        return [weights.detach() for weights in self.weights]

    def step(self, gradients: Sequence[Tensor]) -> None:
        """See SparseOptimizer: gradients float32 [n, width] a table."""
        self.now += 1
        rate = self.closed_form.rate(self.now)
        for number, (weights, gradient) in enumerate(zip(self.weights, gradients, strict=True)):
            weights.mul_(1 - rate * self.closed_form.decay)
            self._descend(number, weights, gradient, rate)
            self.tables[number].index_copy_(0, self.rows, weights)
        self.last[self.rows] = self.now

    def flush(self) -> None:
        """See SparseOptimizer."""
        for rows in torch.split(torch.nonzero(self.last < self.now)[:, 0], CHUNK):
            if not len(rows):
                continue
            for table, weights in zip(self.tables, self._catch_up(rows), strict=True):
                table.index_copy_(0, rows, weights)
            self._write_moments(rows)
            self.last[rows] = self.now

    def moments(self) -> list[dict[str, Tensor]]:
        """See SparseOptimizer: each [rows, ..]."""
        raise NotImplementedError

    def load_moments(self, moments: Sequence[Mapping[str, Tensor]]) -> None:
        """See SparseOptimizer: each [rows, ..]."""
        for own, given in zip(self.moments(), moments, strict=True):
            for name in own.keys() & given.keys():
                own[name].copy_(given[name])

    def state(self) -> dict[str, Tensor]:
        """See SparseOptimizer: `now` int64 [] and `last` int32 [rows]."""
        return {"now": torch.tensor(self.now), "last": self.last}

    def load_state(self, state: dict[str, Tensor]) -> None:
        """See SparseOptimizer: the shapes of `state`."""
        self.now = int(state["now"])
        for name, tensor in self.state().items():
            tensor.copy_(state[name])

    def _catch_up(self, rows: Tensor) -> list[Tensor]:
        """The rows at `rows` int64 [n] of each table, brought up to `now`, float32 [n, width]."""
        raise NotImplementedError

    def _write_moments(self, rows: Tensor) -> None:
        """Write the moments of `rows` int64 [n] as `_catch_up` computed them, if there are any."""

    def _descend(self, number: int, weights: Tensor, gradient: Tensor, rate: float) -> None:
        """Move the read rows of one table in place; weights and gradient are [n, width]."""
        raise NotImplementedError


class LazyAdam(TouchedRows):
    """Dense AdamW, to rounding, at the cost of the touched rows: see `ClosedFormAdamW`.

    Moments that stand still while a row is not touched, as those of torch's SparseAdam do, rank
    worse.
    """

    def __init__(self, tables: Sequence[Tensor], closed_form: ClosedFormAdamW) -> None:
        super().__init__(tables, closed_form)
        self.pairs = [(torch.zeros_like(t), torch.zeros_like(t)) for t in self.tables]
        self._row_moments: list[tuple[Tensor, Tensor]] = []

    def moments(self) -> list[dict[str, Tensor]]:
        """See SparseOptimizer; [rows, width] each, named as torch's Adam names them."""
        return [dict(zip(ADAM, pair, strict=True)) for pair in self.pairs]

    def state(self) -> dict[str, Tensor]:
        """See SparseOptimizer: m and v [rows, width] of each table too."""
        moments = {
            f"{name}.{number}": moment
            for number, pair in enumerate(self.pairs)
            for name, moment in zip(("m", "v"), pair, strict=True)
        }
        return super().state() | moments

    def _catch_up(self, rows: Tensor) -> list[Tensor]:
        """See TouchedRows: int64 [n] to float32 [n, width] a table."""
        skipped = self.closed_form.skipped_steps(self.last[rows].long(), self.now)
        self._row_moments = [(m[rows], v[rows]) for m, v in self.pairs]
        weights = []
        for table, (m, v) in zip(self.tables, self._row_moments, strict=True):
            move = m / (v.sqrt().add_(skipped.floor))
            m.mul_(skipped.fade1)
            v.mul_(skipped.fade2)
            weights.append(table[rows].mul_(skipped.keep).sub_(move.mul_(skipped.drift)))
        return weights

    def _write_moments(self, rows: Tensor) -> None:
        """See TouchedRows: `rows` int64 [n]."""
        for moments, now in zip(self.pairs, self._row_moments, strict=True):
            for moment, values in zip(moments, now, strict=True):
                moment.index_copy_(0, rows, values)

    def _descend(self, number: int, weights: Tensor, gradient: Tensor, rate: float) -> None:
        """See TouchedRows: weights and gradient [n, width]."""
        steps = self.now + self.closed_form.prior_steps
        m, v = self._row_moments[number]
        m.lerp_(gradient, 1 - BETA1)
        v.mul_(BETA2).addcmul_(gradient, gradient, value=1 - BETA2)
        spread = (v / (1 - BETA2**steps)).sqrt_().add_(EPSILON)
        weights.addcdiv_(m, spread, value=-rate / (1 - BETA1**steps))
        for moment, values in zip(self.pairs[number], (m, v), strict=True):
            moment.index_copy_(0, self.rows, values)


class RowwiseAdagrad(TouchedRows):
    """Adagrad with one sum of squares a row: G += mean(g^2), w -= rate * g / (sqrt(G) + eps).

    Its state is 1/width of the table (Mudigere et al., ISCA 2022, section 4.1.4, as in FBGEMM).
    """

    def __init__(self, tables: Sequence[Tensor], closed_form: ClosedFormAdamW) -> None:
        super().__init__(tables, closed_form)
        self.sums = [table.new_zeros(len(table), 1) for table in self.tables]

    def moments(self) -> list[dict[str, Tensor]]:
        """See SparseOptimizer: [rows, 1] each."""
        return [{"sum": sums} for sums in self.sums]

    def state(self) -> dict[str, Tensor]:
        """See SparseOptimizer: the sums G [rows, 1] of each table too."""
        return super().state() | {f"G.{number}": sums for number, sums in enumerate(self.sums)}

    def _catch_up(self, rows: Tensor) -> list[Tensor]:
        """See TouchedRows: int64 [n] to float32 [n, width] a table."""
        decay = self.closed_form.decay_between(self.last[rows].long(), self.now)
        return [table[rows] * decay for table in self.tables]

    def _descend(self, number: int, weights: Tensor, gradient: Tensor, rate: float) -> None:
        """See TouchedRows: weights and gradient [n, width]."""
        sums = self.sums[number][self.rows] + gradient.square().mean(dim=1, keepdim=True)
        self.sums[number].index_copy_(0, self.rows, sums)
        weights.addcdiv_(gradient, sums.sqrt().add_(EPSILON), value=-rate)

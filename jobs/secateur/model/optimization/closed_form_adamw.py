"""What dense AdamW does to table rows over many steps without a gradient, in closed form.

Lazy AdamW reads and writes the rows of a batch alone, and makes up for the steps that a row was
not part of when it is read again. The learning rates are known in advance, so that is one formula
instead of a loop over the steps.
"""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

AnyStep = TypeVar("AnyStep", int, Tensor)

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8  # Adam's, as in Kingma & Ba, ICLR 2015


@dataclass(frozen=True, eq=False)
class SkippedSteps:
    """The effect on rows of the steps that they had no gradient in; each float32 [rows, 1].

    weight <- keep * weight - drift * m / (sqrt(v) + floor),  m <- fade1 * m,  v <- fade2 * v
    """

    keep: Tensor
    drift: Tensor
    floor: Tensor
    fade1: Tensor
    fade2: Tensor


class ClosedFormAdamW:
    """AdamW without gradients between any two of the steps with these `rates` [steps].

    Dense AdamW moves a row on though its gradient is 0: at step i by lr_i c_i r^j m / sqrt(v),
    where m and v are as its last gradient, j steps before, left them, r = beta1 / sqrt(beta2) is
    how fast that fades, and c_i = sqrt(1 - beta2^i) / (1 - beta1^i) corrects the bias. The sum of
    all moves that ever follow a gradient at step s is

        tail_s = r / (1 - lr_{s+1} d) * (lr_{s+1} c_{s+1} + tail_{s+1}),  tail_N = 0

    with weight decay d, and what follows within k steps is a difference of two tails. Epsilon is
    not in it: it stands beside sqrt(v) with the one factor that makes the whole tail right where
    epsilon is all of the denominator, as it is where it is nothing. `prior_steps` are those that
    the moments have seen in earlier trainings.
    """

    def __init__(
        self, rates: NDArray[np.float64], decay: float = 0.0, prior_steps: int = 0
    ) -> None:
        steps = np.arange(1, len(rates) + 1) + prior_steps
        shrink = 1 - rates * decay
        moves = rates / (1 - BETA1**steps)
        tail = _tails(moves * np.sqrt(1 - BETA2**steps), BETA1 / np.sqrt(BETA2) / shrink)
        without_v = _tails(moves, BETA1 / shrink)
        floor = EPSILON * np.divide(tail, without_v, out=np.ones_like(tail), where=without_v > 0)
        self.rates, self.decay, self.prior_steps = rates, decay, prior_steps
        self._tail = torch.from_numpy(tail)
        self._log_keep = torch.from_numpy(np.concatenate([[0.0], np.cumsum(np.log(shrink))]))
        self._floor = torch.from_numpy(floor)

    def to(self, device: torch.device) -> "ClosedFormAdamW":
        """The same, for rows on `device`."""
        self._tail, self._log_keep, self._floor = (
            table.to(device) for table in (self._tail, self._log_keep, self._floor)
        )
        return self

    def rate(self, step: int) -> float:
        """Learning rate of the 1-based step; 0 after the last."""
        return float(self.rates[step - 1]) if step <= len(self.rates) else 0.0

    def decay_between(self, last: Tensor, now: int) -> Tensor:
        """What weight decay leaves of a weight, float32 [rows, 1], from `last` [rows] to `now`."""
        decay = self._log_keep[self._end(now)] - self._log_keep[self._end(last)]
        return decay.exp().float()[:, None]

    def skipped_steps(self, last: Tensor, now: int) -> SkippedSteps:
        """The steps after `last` int64 [rows], each row's last gradient, until the end of `now`."""
        skipped, start, end = (now - last).double(), self._end(last), self._end(now)
        keep = (self._log_keep[end] - self._log_keep[start]).exp()
        fade1, fade2 = BETA1**skipped, BETA2**skipped
        drift = keep * self._tail[start] - fade1 / fade2.sqrt() * self._tail[end]
        every = (keep, drift, self._floor[start], fade1, fade2)
        return SkippedSteps(*(value.float()[:, None] for value in every))

    def _end(self, step: AnyStep) -> AnyStep:
        """`step`, a number or int64 [rows], no later than the last: nothing moves after that."""
        if isinstance(step, Tensor):
            return step.clamp(max=len(self.rates))
        return min(step, len(self.rates))


def _tails(moves: NDArray[np.float64], fade: NDArray[np.float64]) -> NDArray[np.float64]:
    """tail_s = fade_{s+1} (moves_{s+1} + tail_{s+1}) for s = 0..N, [N + 1], and tail_N = 0."""
    tail = np.zeros(len(moves) + 1)
    for s in range(len(moves) - 1, -1, -1):
        tail[s] = fade[s] * (moves[s] + tail[s + 1])
    return tail

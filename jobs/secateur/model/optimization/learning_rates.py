"""The learning rate of every step, known before the first; what it lets rows catch up with."""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

AnyStep = TypeVar("AnyStep", int, Tensor)

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8  # Adam's, as in Kingma & Ba, ICLR 2015


def learning_rates(peak: float, steps: int, warmup: float) -> NDArray[np.float64]:
    """Rates [steps]: up from 0 over the share `warmup` of the steps, then linearly down to 0."""
    at: NDArray[np.float64] = np.arange(steps, dtype=np.float64)
    rising = int(np.ceil(warmup * steps))
    up = (at + 1) / max(rising, 1)
    down = 1 - (at - rising) / max(steps - rising, 1)
    return peak * np.where(at < rising, up, down)


@dataclass(frozen=True, eq=False)
class Absence:
    """What dense AdamW does to rows that have no gradient for a while; each [rows, 1], float32.

    weight <- keep * weight - drift * m / (sqrt(v) + floor),  m <- fade1 * m,  v <- fade2 * v
    """

    keep: Tensor
    drift: Tensor
    floor: Tensor
    fade1: Tensor
    fade2: Tensor


class Horizon:
    """AdamW without gradients between any two steps, in closed form.

    Dense AdamW moves a row on though its gradient is 0: at step i by lr_i c_i r^j m / sqrt(v),
    where m and v are as its last visit, j steps before, left them, r = beta1 / sqrt(beta2) is how
    fast that fades, and c_i = sqrt(1 - beta2^i) / (1 - beta1^i) corrects the bias. Since the
    rates are known, the sum of all moves that ever follow a visit at step s is

        tail_s = r / (1 - lr_{s+1} d) * (lr_{s+1} c_{s+1} + tail_{s+1}),  tail_N = 0

    with weight decay d, and what follows within k steps is a difference of two tails. Epsilon is
    not in it: it stands beside sqrt(v) with the one factor that makes the whole tail right where
    epsilon is all of the denominator, as it is where it is nothing. `before` counts the steps that
    the moments have seen in earlier runs.
    """

    def __init__(self, rates: NDArray[np.float64], decay: float = 0.0, before: int = 0) -> None:
        steps = np.arange(1, len(rates) + 1) + before
        shrink = 1 - rates * decay
        moves = rates / (1 - BETA1**steps)
        tail = _tails(moves * np.sqrt(1 - BETA2**steps), BETA1 / np.sqrt(BETA2) / shrink)
        without_v = _tails(moves, BETA1 / shrink)
        floor = EPSILON * np.divide(tail, without_v, out=np.ones_like(tail), where=without_v > 0)
        self.rates, self.decay, self.before = rates, decay, before
        self._tail = torch.from_numpy(tail)
        self._log_keep = torch.from_numpy(np.concatenate([[0.0], np.cumsum(np.log(shrink))]))
        self._floor = torch.from_numpy(floor)

    def to(self, device: torch.device) -> "Horizon":
        """The same, to be asked about rows on `device`."""
        self._tail, self._log_keep, self._floor = (
            table.to(device) for table in (self._tail, self._log_keep, self._floor)
        )
        return self

    def rate(self, step: int) -> float:
        """Learning rate of the 1-based step; 0 after the last."""
        return float(self.rates[step - 1]) if step <= len(self.rates) else 0.0

    def kept(self, last: Tensor, now: int) -> Tensor:
        """What decay leaves of a weight, float32 [rows, 1], from steps `last` [rows] to `now`."""
        return (
            (self._log_keep[self._end(now)] - self._log_keep[self._end(last)])
            .exp()
            .float()[:, None]
        )

    def absence(self, last: Tensor, now: int) -> Absence:
        """What happens to rows visited at steps `last` int64 [rows] until the end of step `now`."""
        gone, start, end = (now - last).double(), self._end(last), self._end(now)
        keep = (self._log_keep[end] - self._log_keep[start]).exp()
        fade1, fade2 = BETA1**gone, BETA2**gone
        drift = keep * self._tail[start] - fade1 / fade2.sqrt() * self._tail[end]
        every = (keep, drift, self._floor[start], fade1, fade2)
        return Absence(*(value.float()[:, None] for value in every))

    def _end(self, step: AnyStep) -> AnyStep:
        """Nothing moves after the last step: a batch or two may be left when the rate is 0."""
        if isinstance(step, Tensor):
            return step.clamp(max=len(self.rates))
        return min(step, len(self.rates))


def _tails(moves: NDArray[np.float64], fade: NDArray[np.float64]) -> NDArray[np.float64]:
    """tail_s = fade_{s+1} (moves_{s+1} + tail_{s+1}) for s = 0..N, and tail_N = 0."""
    tail = np.zeros(len(moves) + 1)
    for s in range(len(moves) - 1, -1, -1):
        tail[s] = fade[s] * (moves[s] + tail[s + 1])
    return tail

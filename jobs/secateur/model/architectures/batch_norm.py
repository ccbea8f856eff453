"""Batch normalisation of a tower's neurons while it trains (Ioffe & Szegedy, ICML 2015).

It serves training alone. `fold_into` writes what it has become into the layer that it follows, so
bundles, pruning and packages never meet it: in evaluation it scales and shifts, as a layer does.
"""

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.nn import functional as over_ranks
from torch.nn import functional

FEWEST = 32  # rows whose mean and variance are worth something: the last batch may have one row


class BatchNorm(nn.BatchNorm1d):
    """torch's, by the moments of the whole batch of all ranks.

    A batch of fewer than `FEWEST` rows is normalised by the running moments and leaves them alone.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Normalised, scaled and shifted [batch, neurons]."""
        if not self.training:
            return super().forward(x)
        together = dist.is_initialized() and dist.get_world_size() > 1
        rows = len(x)
        if together:
            of_all_ranks = torch.tensor(rows, device=x.device)
            dist.all_reduce(of_all_ranks)
            rows = int(of_all_ranks)
        if rows < FEWEST:
            moments = self.running_mean, self.running_var
            return functional.batch_norm(x, *moments, self.weight, self.bias, eps=self.eps)
        return self._normalised_together(x, rows) if together else super().forward(x)

    @torch.no_grad()
    def fold_into(self, layer: nn.Linear) -> None:
        """Make `layer` give what it and this module after it give in evaluation."""
        mean, variance = self._moments()
        scale = self.weight / torch.sqrt(variance + self.eps)
        layer.weight.mul_(scale[:, None])
        layer.bias.copy_((layer.bias - mean) * scale + self.bias)

    def _moments(self) -> tuple[Tensor, Tensor]:
        assert self.running_mean is not None  # noqa: S101 - torch types them as optional
        assert self.running_var is not None  # noqa: S101
        return self.running_mean, self.running_var

    def _normalised_together(self, x: Tensor, rows: int) -> Tensor:
        values = x.float()
        mean = _sum(values.sum(0)) / rows
        apart = values - mean
        variance = _sum(apart.square().sum(0)) / rows
        running_mean, running_variance = self._moments()
        with torch.no_grad():
            momentum = self.momentum or 0.0
            running_mean.lerp_(mean, momentum)
            running_variance.lerp_(variance * rows / (rows - 1), momentum)
        normalised = apart * torch.rsqrt(variance + self.eps)
        return (normalised * self.weight + self.bias).to(x.dtype)


def _sum(part: Tensor) -> Tensor:
    """The sum of all ranks' parts, of the shape [neurons] of each; gradients flow through it."""
    total: Tensor = over_ranks.all_reduce(part)  # type: ignore[no-untyped-call]
    return total

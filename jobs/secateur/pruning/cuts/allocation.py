"""How the units that are kept are allocated to groups, such as layers."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

Keeps = tuple[int, ...]
LossAt = Callable[[Keeps], float]

SCANNED = (0.75, 0.5, 0.35, 0.25, 0.15, 0.1, 0.05)  # shares kept in a sensitivity scan


def uniform(scores: Sequence[Tensor], keep: float) -> Keeps:
    """The same share of every group, at least one unit; `scores` [units] a group."""
    return tuple(at_least_one(len(group), keep) for group in scores)


def globally(scores: Sequence[Tensor], keep: float) -> Keeps:
    """The units with the highest scores [units] of all groups, and at least one of each."""
    every = torch.cat([group.flatten() for group in scores])
    lowest = every.sort(descending=True).values[at_least_one(len(every), keep) - 1]
    return tuple(max(1, int((group >= lowest).sum())) for group in scores)


def erdos_renyi(shapes: Sequence[tuple[int, int]], units: Sequence[int], keep: float) -> Keeps:
    """Keep of a layer [outputs, inputs] a share as (outputs + inputs) / (outputs inputs).

    ERK of linear layers (Evci et al., ICML 2020): small layers stay denser. Where a share would
    exceed 1 the layer stays whole and the others give more.
    """
    raw = torch.tensor([(a + b) / (a * b) for a, b in shapes], dtype=torch.float64)
    sizes = torch.tensor(units, dtype=torch.float64)
    whole = torch.zeros(len(raw), dtype=torch.bool)
    while True:
        left = keep * sizes.sum() - sizes[whole].sum()
        scale = (left / (raw * sizes)[~whole].sum()).clamp(min=0)
        shares = torch.where(whole, 1.0, raw * scale)
        if not (shares > 1).any():
            break
        whole |= shares > 1
    return tuple(at_least_one(n, float(s)) for n, s in zip(units, shares, strict=True))


def by_sensitivity(scores: Sequence[Tensor], keep: float, loss_at: LossAt) -> Keeps:
    """The allocation that costs the least loss by a sensitivity scan (Li et al., ICLR 2017).

    The scan measures the loss of cutting each group alone. From whole groups on, the next cut is
    that which adds the least loss for each unit it removes. `scores` are [units] a group, `loss_at`
    gives the loss of a model that keeps so many units a group.
    """
    sizes = [len(group) for group in scores]
    losses = [_scan(sizes, group, loss_at) for group in range(len(sizes))]
    chosen = [0] * len(sizes)
    keeps = list(sizes)
    while sum(keeps) > keep * sum(sizes):
        steps = [
            ((losses[g][c + 1][1] - losses[g][c][1]) / (losses[g][c][0] - losses[g][c + 1][0]), g)
            for g, c in enumerate(chosen)
            if c + 1 < len(losses[g])
        ]
        if not steps:
            break
        _, group = min(steps)
        chosen[group] += 1
        keeps[group] = losses[group][chosen[group]][0]
    return tuple(keeps)


def at_least_one(units: int, keep: float) -> int:
    """The share `keep` of units, rounded; never none."""
    return max(1, round(keep * units))


def _scan(sizes: Sequence[int], group: int, loss_at: LossAt) -> list[tuple[int, float]]:
    """Units kept of one group, falling, with the loss when the other groups are whole."""
    found = [(sizes[group], loss_at(tuple(sizes)))]
    for share in SCANNED:
        kept = at_least_one(sizes[group], share)
        if kept < found[-1][0]:
            alone = tuple(kept if g == group else size for g, size in enumerate(sizes))
            found.append((kept, loss_at(alone)))
    return found

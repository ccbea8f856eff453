"""Towers with single weights at 0: training that leaves them there, or trades them for others."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from secateur.contracts.candidates import Step
from secateur.contracts.pruning import PruningPlan
from secateur.model.architectures.recommender import Recommender
from secateur.pruning.cuts.masking import living
from secateur.pruning.importance.weights import gradients, linears, magnitude
from secateur.pruning.units.calibration import Evidence
from secateur.pruning.units.masks import pack

TRADED = 0.3  # share of the living weights that RigL's first round trades (Evci et al., section 3)


class Mask(nn.Module):
    """A weight times its mask."""

    def __init__(self, mask: Tensor) -> None:
        super().__init__()
        self.register_buffer("mask", mask)

    def forward(self, weight: Tensor) -> Tensor:
        """The masked weight."""
        return weight * cast("Tensor", self.mask)


@contextmanager
def held_at_zero(model: Recommender) -> Iterator[None]:
    """While the context is open, the tower weights that are 0 stay 0."""
    for layer, mask in zip(linears(model), living(model), strict=True):
        parametrize.register_parametrization(layer, "weight", Mask(mask.float()))
    try:
        yield
    finally:
        for layer in linears(model):
            parametrize.remove_parametrizations(layer, "weight", leave_parametrized=True)


def traded(step: Step, done: int, model: Recommender, evidence: Evidence) -> PruningPlan:
    """After `done` rounds of RigL, the masks of the next (Evci et al., ICML 2020).

    In every layer a share of the living weights, falling by a cosine from `TRADED` to 0 over the
    rounds, dies, the smallest first; as many of the dead, those with the largest gradients, live
    from then on, and begin at 0.
    """
    share = TRADED / 2 * (1 + torch.cos(torch.tensor(torch.pi * done / step.rounds)).item())
    masks = []
    for size, gradient, alive in zip(
        magnitude(model, evidence), gradients(model, evidence), living(model), strict=True
    ):
        count = min(round(share * int(alive.sum())), int((~alive).sum()))
        flat = alive.flatten().clone()
        weakest = torch.where(flat, size.flatten(), torch.inf).argsort(stable=True)[:count]
        wanted = torch.where(flat, -torch.inf, gradient.abs().flatten())
        strongest = wanted.argsort(descending=True, stable=True)[:count]
        flat[weakest] = False
        flat[strongest] = True
        masks.append(pack(flat))
    everything = PruningPlan.of_everything(model.spec)
    return PruningPlan(
        everything.inputs,
        everything.heights,
        everything.dimensions,
        everything.neurons,
        weights=tuple(masks),
    )

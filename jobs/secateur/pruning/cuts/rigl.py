"""Towers with single weights at 0: training that leaves them there, and RigL that moves them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from secateur.contracts.candidates import Step
from secateur.contracts.pruning import PruningPlan
from secateur.model.architectures.recommender import Recommender
from secateur.pruning.cuts.masking import nonzero_masks
from secateur.pruning.importance.weights import gradients, linears, magnitude
from secateur.pruning.units.calibration import CalibrationData
from secateur.pruning.units.masks import pack_mask

INITIAL_FRACTION = 0.3  # of the nonzero weights, replaced in the first update (section 3)


class Mask(nn.Module):
    """A weight times its `mask` float32 [outputs, inputs]."""

    def __init__(self, mask: Tensor) -> None:
        super().__init__()
        self.register_buffer("mask", mask)

    def forward(self, weight: Tensor) -> Tensor:
        """The masked `weight` [outputs, inputs]."""
        return weight * cast("Tensor", self.mask)


@contextmanager
def held_at_zero(model: Recommender) -> Iterator[None]:
    """While the context is open, the tower weights that are 0 stay 0."""
    for layer, mask in zip(linears(model), nonzero_masks(model), strict=True):
        parametrize.register_parametrization(layer, "weight", Mask(mask.float()))
    try:
        yield
    finally:
        for layer in linears(model):
            parametrize.remove_parametrizations(layer, "weight", leave_parametrized=True)


def rigl_update(
    step: Step, done: int, model: Recommender, calibration: CalibrationData
) -> PruningPlan:
    """The masks of the next round after `done` rounds of RigL (Evci et al., ICML 2020).

    In every layer a share of the nonzero weights, falling by a cosine from `INITIAL_FRACTION` to 0
    over the rounds, is dropped, the smallest first. As many of the zero weights, those with the
    largest gradients, are regrown, beginning at 0.
    """
    share = (
        INITIAL_FRACTION / 2 * (1 + torch.cos(torch.tensor(torch.pi * done / step.rounds)).item())
    )
    masks = []
    for size, gradient, nonzero in zip(
        magnitude(model, calibration),
        gradients(model, calibration),
        nonzero_masks(model),
        strict=True,
    ):
        count = min(round(share * int(nonzero.sum())), int((~nonzero).sum()))
        flat = nonzero.flatten().clone()
        dropped = torch.where(flat, size.flatten(), torch.inf).argsort(stable=True)[:count]
        wanted = torch.where(flat, -torch.inf, gradient.abs().flatten())
        regrown = wanted.argsort(descending=True, stable=True)[:count]
        flat[dropped] = False
        flat[regrown] = True
        masks.append(pack_mask(flat))
    return replace(PruningPlan.of_everything(model.spec), weights=tuple(masks))

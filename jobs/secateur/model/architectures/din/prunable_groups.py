"""What the units of a DIN are coupled to besides its tower."""

from typing import cast

import torch

from secateur.model.architectures.din.network import DIN
from secateur.model.architectures.kept_units import Kept
from secateur.model.architectures.prunable_groups import PrunableGroups
from secateur.model.architectures.tower import Tower, linears_of


class AttentionGroups(PrunableGroups[DIN]):
    """An embedding dimension goes with four columns of each activation unit's first layer.

    A list that goes takes its unit with it.
    """

    def take_over(self, larger: DIN, kept: Kept) -> None:
        """Copy the units of the lists that stay, whose first layers keep some columns."""
        starts = torch.arange(4)[:, None] * larger.spec.embedding_dim
        columns = (starts + kept.dimensions).flatten()
        lists = set((kept.embedded - len(larger.spec.fields)).tolist())
        targets = enumerate(larger.spec.targets)
        left = [place for place, target in targets if target is not None and place in lists]
        units = cast("list[Tower]", list(self.model.units))
        for old, new in zip(map(larger.unit, left), units, strict=True):
            first, *rest = zip(linears_of(old.layers), linears_of(new.layers), strict=True)
            first[1].weight.copy_(first[0].weight[:, columns])
            first[1].bias.copy_(first[0].bias)
            for whole, same in rest:
                same.load_state_dict(whole.state_dict())

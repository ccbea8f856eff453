"""What the units of a MaskNet are coupled to: masks are towers, and have neurons of their own."""

from collections.abc import Iterator

import torch
from torch import Tensor

from secateur.model.architectures.kept_units import Kept
from secateur.model.architectures.masknet.network import MaskNet
from secateur.model.architectures.prunable_groups import PrunableGroups
from secateur.model.architectures.tower import Tower, linears_of


class MaskGroups(PrunableGroups[MaskNet]):
    """An embedding dimension or an input goes with the columns of masks and blocks that read it.

    A mask's output goes with the input that it multiplies. A block's outputs all stay: its layer
    norm reads them together, so that without one the others would change.
    """

    def tower_columns(self, kept: Kept) -> Iterator[Tensor]:
        """All blocks for the tower, the inputs that stay for each mask, int64 [kept] each."""
        yield torch.arange(self.model.shapes.tower_inputs(self.model.spec))
        for _ in self.model.masks:
            yield self.flat_columns(kept)

    def tower_outputs(self, kept: Kept) -> Iterator[Tensor]:
        """All for the tower, the inputs that stay for each mask, int64 [kept] each."""
        yield torch.arange(linears_of(self.model.tower.layers)[-1].out_features)
        for _ in self.model.masks:
            yield self.flat_columns(kept)

    def embedding_readers(self) -> tuple[Tower, ...]:
        """The masks: what a constant input gives to a block, they still change."""
        return self.model.towers[1:]

    def take_over(self, larger: MaskNet, kept: Kept) -> None:
        """Copy the norm of every block, and the columns that stay of its layer."""
        columns = MaskGroups(larger).flat_columns(kept)
        layers = zip(linears_of(larger.blocks), linears_of(self.model.blocks), strict=True)
        for old, new in layers:
            new.weight.copy_(old.weight[:, columns])
        self.model.layer_norms.load_state_dict(larger.layer_norms.state_dict())

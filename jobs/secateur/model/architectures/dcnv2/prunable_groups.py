"""What the units of a DCN-V2 are coupled to besides its tower."""

from typing import TypeVar

from torch import nn

from secateur.model.architectures.dcnv2.network import DCNv2
from secateur.model.architectures.kept_units import Kept
from secateur.model.architectures.prunable_groups import PrunableGroups
from secateur.model.architectures.tower import linears_of

AnyCross = TypeVar("AnyCross", bound=DCNv2)


class CrossGroups(PrunableGroups[AnyCross]):
    """An embedding dimension or an input goes with rows and columns of every cross matrix.

    Where x_0 is 0 in a column, so is every layer's output: the column goes with its row.
    """

    def take_over(self, larger: AnyCross, kept: Kept) -> None:
        """Copy the rows and the columns that stay of every cross matrix."""
        columns = CrossGroups(larger).flat_columns(kept)
        for old, new in zip(self.matrices(larger), self.matrices(self.model), strict=True):
            new.weight.copy_(old.weight[columns][:, columns])
            if old.bias is not None:
                new.bias.copy_(old.bias[columns])
        self.model.cross_output.weight.copy_(larger.cross_output.weight[:, columns])

    def matrices(self, model: AnyCross) -> list[nn.Linear]:
        """All square layers over the inputs side by side."""
        return linears_of(model.cross)

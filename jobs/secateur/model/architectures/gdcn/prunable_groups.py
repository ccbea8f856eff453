"""What the units of a GDCN are coupled to besides its tower."""

from torch import nn

from secateur.model.architectures.dcnv2.prunable_groups import CrossGroups
from secateur.model.architectures.gdcn.network import GDCN
from secateur.model.architectures.tower import linears_of


class GatedCrossGroups(CrossGroups[GDCN]):
    """An embedding dimension or an input goes with rows and columns of every gate, too."""

    def matrices(self, model: GDCN) -> list[nn.Linear]:
        """The matrices of the cross layers, then those of their gates."""
        return [*super().matrices(model), *linears_of(model.gates)]

"""What the units of a FinalMLP are coupled to besides its towers."""

from secateur.model.architectures.finalmlp.network import FinalMLP
from secateur.model.architectures.kept_units import Kept
from secateur.model.architectures.prunable_groups import PrunableGroups
from secateur.model.architectures.tower import Tower


class FusionGroups(PrunableGroups[FinalMLP]):
    """A neuron of a last hidden layer goes with a row or a column of the fusion, too."""

    def is_free(self, tower: Tower, layer: int) -> bool:
        """The last hidden layers meet in the fusion."""
        return layer < len(tower.activations) - 1

    def take_over(self, larger: FinalMLP, kept: Kept) -> None:
        """Copy the rows and the columns of the fusion whose last hidden neurons stay."""
        rows, columns = kept.neurons[len(larger.spec.hidden) - 1], kept.neurons[-1]
        self.model.fusion.copy_(larger.fusion[rows][:, columns])

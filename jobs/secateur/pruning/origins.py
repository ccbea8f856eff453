"""Where the units of a model that was cut lie in the dense one."""

from collections.abc import Sequence
from types import EllipsisType

import torch
from torch import Tensor

from secateur.contracts.candidates import Granularity
from secateur.contracts.models import ModelSpec
from secateur.contracts.pruning import PruningPlan

Place = tuple[int, Tensor | EllipsisType]  # a group of units in the dense model, and which of it


class Origins:
    """Follows the cuts of a model from the dense one on."""

    def __init__(self, dense: ModelSpec) -> None:
        self._names = dense.inputs
        self.inputs = dense.inputs
        self.dimensions = torch.arange(dense.embedding_dim)
        self.neurons = [torch.arange(width) for width in (*dense.hidden, *dense.second)]
        self.layers = [*range(len(self.neurons))]
        self._whole = True

    def follow(self, plan: PruningPlan) -> None:
        """The model is cut by `plan`."""
        before = (self.inputs, len(self.dimensions), [*map(len, self.neurons)])
        wanted = set(plan.inputs)
        self.inputs = tuple(name for name in self.inputs if name in wanted)
        self.dimensions = self.dimensions[list(plan.dimensions)]
        kept = [ids[list(k)] for ids, k in zip(self.neurons, plan.neurons, strict=True)]
        active = [i for i in range(len(kept)) if i not in plan.linear]
        self.neurons = [kept[i] for i in active]
        self.layers = [self.layers[i] for i in active]
        after = (self.inputs, len(self.dimensions), [*map(len, self.neurons)])
        self._whole &= before == after

    def of(self, granularity: Granularity, groups: int) -> Sequence[Place] | None:
        """For each of so many groups of units its place in the dense model.

        None where there is none: rows, ranked anew every night, and weights of layers that were
        cut.
        """
        if granularity == "neuron":
            return [*zip(self.layers, self.neurons, strict=True)]
        if granularity == "layer":
            return [(0, torch.tensor(self.layers, dtype=torch.int64))]
        if granularity == "embedding_dimension":
            return [(0, self.dimensions)]
        if granularity == "field":
            known = [self._names.index(name) for name in self.inputs]
            return [(0, torch.tensor(known, dtype=torch.int64))]
        if granularity == "weight" and self._whole:
            return [(group, ...) for group in range(groups)]
        return None

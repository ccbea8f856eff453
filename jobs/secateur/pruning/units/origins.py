"""Which units of the dense model the units of a cut model are."""

from collections.abc import Sequence
from types import EllipsisType

import torch
from torch import Tensor

from secateur.contracts.candidates import Granularity
from secateur.contracts.models import ModelSpec
from secateur.contracts.pruning import PruningPlan
from secateur.pruning.units.calibration import kept_blocks
from secateur.pruning.units.table_rows import kept_rows

DenseUnits = tuple[int, Tensor | EllipsisType]  # a group of the dense model, int64 [n] of it


class Origins:
    """Follows the cuts of a model, beginning with the dense one."""

    def __init__(self, dense: ModelSpec) -> None:
        self._names = dense.inputs
        self.inputs = dense.inputs
        self.dimensions = torch.arange(dense.embedding_dim)
        self.neurons = [torch.arange(width) for width in (*dense.hidden, *dense.second)]
        self.layers = [*range(len(self.neurons))]
        self.blocks = [*range(len(dense.rows))]
        self.rows = [torch.arange(rows - 1) for rows in dense.rows]
        self._whole = True

    def follow(self, plan: PruningPlan, larger: ModelSpec, smaller: ModelSpec) -> None:
        """Follow a cut by `plan`, from one model's shapes to the other's."""
        stay = kept_rows(plan, larger)
        blocks = kept_blocks(larger, smaller)
        self.rows = [self.rows[block][stay[block]] for block in blocks]
        self.blocks = [self.blocks[block] for block in blocks]
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

    def of(self, granularity: Granularity, groups: int) -> Sequence[DenseUnits] | None:
        """For each of so many groups of the cut model, its units in the dense one.

        None where they cannot be told: single weights of layers that lost neurons.
        """
        inputs = torch.tensor([self._names.index(name) for name in self.inputs], dtype=torch.int64)
        known: dict[Granularity, list[DenseUnits]] = {
            "embedding_row": [*zip(self.blocks, self.rows, strict=True)],
            "embedding_dimension": [(0, self.dimensions)],
            "field": [(0, inputs)],
            "neuron": [*zip(self.layers, self.neurons, strict=True)],
            "layer": [(0, torch.tensor(self.layers, dtype=torch.int64))],
        }
        if self._whole:
            known["weight"] = [(group, ...) for group in range(groups)]
        return known.get(granularity)

"""The table's rows that a plan keeps, and the ids by which what is left of them is read."""

from dataclasses import replace

import torch
from torch import Tensor

from secateur.contracts.models import ModelSpec
from secateur.contracts.pruning import PruningPlan
from secateur.model.architectures.kept_units import narrow
from secateur.model.data.inputs import Inputs
from secateur.pruning.units.masks import unpack


def kept_rows(plan: PruningPlan, spec: ModelSpec) -> list[Tensor]:
    """Places int64 of the rows that stay in each block, ascending; OOV, which stays, apart."""
    masks = plan.rows or ("",) * len(spec.rows)
    return [
        unpack(packed, (rows - 1,)).nonzero().flatten() if packed else torch.arange(height - 1)
        for packed, rows, height in zip(masks, spec.rows, plan.heights, strict=True)
    ]


def read_by(inputs: Inputs, plan: PruningPlan, larger: ModelSpec, smaller: ModelSpec) -> Inputs:
    """Of inputs for a model those that it reads once `plan` cut it, by the ids of what is left.

    Where a plan keeps the first rows of a block ids stay as they are: those above are OOV.
    """
    return narrow(_renumbered(inputs, plan, larger), larger, smaller)


def _renumbered(inputs: Inputs, plan: PruningPlan, spec: ModelSpec) -> Inputs:
    known = [
        _new_ids(kept, rows) if packed else None
        for packed, kept, rows in zip(plan.rows, kept_rows(plan, spec), spec.rows, strict=False)
    ]
    if not any(one is not None for one in known):
        return inputs
    ids = inputs.ids.clone()
    for place in range(len(spec.fields)):
        ids[:, place] = _looked_up(ids[:, place], known[place])
    lists = tuple(
        replace(column, values=_looked_up(column.values, known[one.block]))
        for one, column in zip(spec.lists, inputs.lists, strict=True)
    )
    return replace(inputs, ids=ids, lists=lists)


def _new_ids(kept: Tensor, rows: int) -> Tensor:
    """For every old id the new one; of what went it is OOV's."""
    found = torch.full((rows,), len(kept), dtype=torch.int32)
    found[kept] = torch.arange(len(kept), dtype=torch.int32)
    return found


def _looked_up(ids: Tensor, known: Tensor | None) -> Tensor:
    return ids if known is None else known[ids.clamp(max=len(known) - 1)]

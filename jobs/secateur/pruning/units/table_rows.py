"""The table rows that a plan keeps, and the new ids of what is left."""

from dataclasses import replace

import torch
from torch import Tensor

from secateur.contracts.models import ModelSpec
from secateur.contracts.pruning import PruningPlan
from secateur.model.architectures.kept_units import narrow
from secateur.model.data.inputs import Inputs
from secateur.pruning.units.masks import unpack_mask


def kept_rows(plan: PruningPlan, spec: ModelSpec) -> list[Tensor]:
    """Rows that stay in each block, int64 [kept] ascending, without OOV, which always stays."""
    masks = plan.rows or ("",) * len(spec.rows)
    return [
        unpack_mask(packed, (rows - 1,)).nonzero().flatten() if packed else torch.arange(height - 1)
        for packed, rows, height in zip(masks, spec.rows, plan.heights, strict=True)
    ]


def inputs_after_cut(
    inputs: Inputs, plan: PruningPlan, larger: ModelSpec, smaller: ModelSpec
) -> Inputs:
    """Inputs [rows, ..] of the larger model as the smaller one, which `plan` left, reads them.

    It reads fewer inputs, by new ids. Where a plan keeps the first rows of a block ids stay as
    they are: those above are read as OOV.
    """
    return narrow(_renumber(inputs, plan, larger), larger, smaller)


def _renumber(inputs: Inputs, plan: PruningPlan, spec: ModelSpec) -> Inputs:
    """The same inputs [rows, ..] by the ids that `plan` leaves; what it cut gets OOV's."""
    new_ids: list[Tensor | None] = []
    for packed, kept, rows in zip(plan.rows, kept_rows(plan, spec), spec.rows, strict=False):
        found = torch.full((rows,), len(kept), dtype=torch.int32)
        found[kept] = torch.arange(len(kept), dtype=torch.int32)
        new_ids.append(found if packed else None)
    if not any(found is not None for found in new_ids):
        return inputs
    ids = inputs.ids.clone()
    for place in range(len(spec.fields)):
        ids[:, place] = _look_up(ids[:, place], new_ids[place])
    lists = tuple(
        replace(column, values=_look_up(column.values, new_ids[one.block]))
        for one, column in zip(spec.lists, inputs.lists, strict=True)
    )
    return replace(inputs, ids=ids, lists=lists)


def _look_up(ids: Tensor, new_ids: Tensor | None) -> Tensor:
    """The new id of each of `ids` int32 [n], by `new_ids` int32 [rows]; None changes nothing."""
    return ids if new_ids is None else new_ids[ids.clamp(max=len(new_ids) - 1)]

"""Where a model gets better or worse: by what training saw of user and item, by the scenario's."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from secateur.contracts.judgement import SLICES
from secateur.judgement.metrics.scratch import row_slices, scratch
from secateur.judgement.scoring.client_scoring import HeldOutRows


def slices(rows: HeldOutRows) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Name and mask [n] of every slice that has rows."""
    for name, owner, low, high in SLICES:
        events = rows.train_events[owner]
        mask = scratch(len(rows), np.bool_)
        for part in row_slices(len(rows)):
            mask[part] = (events[part] >= low) & (events[part] <= high)
        if mask.any():
            yield name, mask
    yield from ((name, mask) for name, mask in rows.slices.items() if mask.any())

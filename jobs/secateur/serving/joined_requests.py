"""The model's inputs of several requests as those of one, so that it is run once for all."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import numpy as np

from secateur.serving.files import layout
from secateur.serving.runtime import Feed

if TYPE_CHECKING:
    from numpy.typing import NDArray


def join_feeds(feeds: Sequence[Feed]) -> Feed:
    """One feed with the rows of all, in their order; what stood for all rows of one is repeated.

    A single one stays as it is.
    """
    if len(feeds) == 1:
        return feeds[0]
    rows = [len(feed[layout.IDS]) for feed in feeds]
    return {name: _stack([feed[name] for feed in feeds], rows) for name in feeds[0]}


def _stack(
    inputs: Sequence["NDArray[np.int32] | NDArray[np.float32]"], rows: Sequence[int]
) -> "NDArray[np.int32] | NDArray[np.float32]":
    """Inputs [rows or 1, columns] one below another, the narrower ones padded as lists are."""
    width = max(one.shape[1] for one in inputs)
    stacked = np.full((sum(rows), width), layout.PADDING, inputs[0].dtype)
    start = 0
    for one, count in zip(inputs, rows, strict=True):
        stacked[start : start + count, : one.shape[1]] = one
        start += count
    return cast("NDArray[np.int32] | NDArray[np.float32]", stacked)

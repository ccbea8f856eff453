"""Candidates that were encoded beforehand: a service's catalogue, as the model reads it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from secateur.contracts.errors import UsageError
from secateur.contracts.features import FeatureSchema


@dataclass(frozen=True, eq=False)
class Items:
    """Int32 ids [m, the items' fields] of m candidates, by the vocabulary of one scorer's package.

    `maker` is what encoded them: to another scorer the same ids would mean other items.
    """

    ids: NDArray[np.int32]
    maker: object

    def __len__(self) -> int:
        return len(self.ids)

    def rows(self, given: int, maker: object) -> int:
        """Rows of a request whose columns have `given` ones. Raises UsageError for other items."""
        if maker is not self.maker:
            raise UsageError("these items were prepared by another scorer, not by this one")
        if given not in (1, len(self)):
            raise UsageError(f"columns of {given} rows do not fit {len(self)} items")
        return len(self)

    def take(self, places: Sequence[int] | NDArray[np.integer] | NDArray[np.bool_]) -> "Items":
        """The candidates at these `places` [k], in their order, or where a mask [m] is true.

        Raises UsageError for a place that these items have not, and for a mask of another length.
        """
        return Items(self.ids.take(self._places(places), axis=0), self.maker)

    def _places(self, given: object) -> NDArray[np.integer]:
        places = np.asarray(given if hasattr(given, "__len__") else list(cast("Any", given)))
        if places.dtype.kind == "b" and places.shape == (len(self),):
            return np.flatnonzero(places)
        if not places.size:
            return np.zeros(0, np.int64)
        if places.dtype.kind not in "iu" or places.ndim != 1:
            raise UsageError(f"places are whole numbers, or a mask of {len(self)}: {given!r:.40}")
        if places.min() < 0 or places.max() >= len(self):
            raise UsageError(f"places from {places.min()} to {places.max()} of {len(self)} items")
        return places


def item_names(schema: FeatureSchema) -> frozenset[str]:
    """The columns that candidates have of their own.

    Raises UsageError where some of these are no ids, which alone are encoded beforehand.
    """
    ids = {field.name for field in schema.fields}
    wrong = sorted(f.name for f in schema.inputs if f.owner == "item" and f.name not in ids)
    if wrong:
        raise UsageError(f"candidates with {wrong} cannot be encoded beforehand, only those of ids")
    return frozenset(field.name for field in schema.fields if field.owner == "item")

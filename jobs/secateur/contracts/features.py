"""What preprocessing and model share, and all that they share: the feature schema."""

from dataclasses import dataclass
from typing import Literal

Owner = Literal["user", "item", "context"]

SPLITS = ("train", "tune", "confirm")
VALUE_PREFIX = "value_"


@dataclass(frozen=True)
class CategoryField:
    """A categorical field: known values have ids 0..size-2 by falling train frequency.

    The last id, size-1, stands for every value not in the vocabulary (OOV) and for a missing
    one. So a table cut to its first K rows needs no remap: `id = min(id, K)`, row K is OOV.
    `hashed` values are user ids, kept as keyed hashes only (see `secateur.identity`).
    """

    name: str
    owner: Owner
    size: int
    min_count: int
    hashed: bool = False

    @property
    def oov(self) -> int:
        """The id of unknown and missing values."""
        return self.size - 1


@dataclass(frozen=True)
class BucketField:
    """A numeric field cut at the train days' quantiles: id = how many boundaries are <= x.

    Ids 0..len(boundaries) are the buckets; the last id, size-1, stands for a missing value.
    """

    name: str
    owner: Owner
    boundaries: tuple[float, ...]

    @property
    def size(self) -> int:
        """Number of ids: buckets and the one for missing values."""
        return len(self.boundaries) + 2

    @property
    def oov(self) -> int:
        """The id of missing values."""
        return self.size - 1


@dataclass(frozen=True)
class FeatureSchema:
    """Fields in model order: first the categories, then the buckets.

    `id_key` is the fingerprint of the key that hashed the user ids.
    """

    scenario: str
    label: str
    categories: tuple[CategoryField, ...]
    buckets: tuple[BucketField, ...]
    id_key: str

    @property
    def fields(self) -> tuple[CategoryField | BucketField, ...]:
        """All fields, in the order of the model's input columns."""
        return (*self.categories, *self.buckets)

"""The order of a package's table rows, and of the values that they stand for."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from secateur.contracts.candidates import Recipe
from secateur.contracts.features import FeatureSchema
from secateur.serving.files.vocabulary import ascending_order, pack_ascending, pack_vocabulary

Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Arrangement:
    """`order` int64 [rows]: which of the model's rows stands at each place of the table.

    Block b has `heights[b]` rows: the last is OOV, the `rare[b]` before it are of rare values.
    """

    order: Rows
    heights: tuple[int, ...]
    rare: tuple[int, ...]

    @classmethod
    def as_is(cls, heights: tuple[int, ...]) -> "Arrangement":
        """The model's own order, in which no row is called rare."""
        return cls(np.arange(sum(heights)), heights, (0,) * len(heights))

    def runs(self) -> Iterator[tuple[int, bool]]:
        """Runs of rows of one block that are all rare, or all not: how many, and which."""
        for height, rare in zip(self.heights, self.rare, strict=True):
            if rare:
                yield height - 1 - rare, False
                yield rare, True
                yield 1, False
            else:
                yield height, False


@dataclass(frozen=True, eq=False)
class Arranged:
    """A package's rows and its values, both in its order; the values as they are and packed."""

    rows: Arrangement
    values: Mapping[str, Sequence[str]]
    vocabulary: bytes


def arrange(
    schema: FeatureSchema,
    vocabulary: Mapping[str, Sequence[str]],
    counts: Mapping[str, Sequence[int]],
    recipe: Recipe,
) -> Arranged:
    """Arrange the values that `schema` still has, which come by falling `counts`."""
    blocks = (*schema.fields, *schema.own_lists)
    orders = {block.name: np.arange(block.size) for block in blocks}
    values = {one.name: list(vocabulary[one.name][: one.oov]) for one in schema.vocabularies}
    rare = dict.fromkeys(orders, 0)
    if recipe.rare_bits is not None:
        for name, known in values.items():
            seen = counts[name][: len(known)]
            rare[name] = sum(count < recipe.rare_count for count in seen)
    frequent = {name: len(known) - rare[name] for name, known in values.items()}
    if recipe.vocabulary == "ascending":
        for field in schema.vocabularies:
            known = values[field.name]
            places = ascending_order(field, known, frequent[field.name])
            orders[field.name][:-1] = places
            values[field.name] = [known[place] for place in places]
        packed = pack_ascending(schema, values, frequent)
    else:
        packed = pack_vocabulary(schema, values)
    heights = tuple(block.size for block in blocks)
    starts = np.cumsum(heights) - heights
    order = [places + start for places, start in zip(orders.values(), starts, strict=True)]
    rows = Arrangement(np.concatenate(order), heights, tuple(rare.values()))
    return Arranged(rows, values, packed)

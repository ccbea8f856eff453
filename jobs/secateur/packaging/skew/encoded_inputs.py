"""What the client makes of raw values, beside what features made of the same rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from secateur.contracts.features import FeatureSchema
from secateur.contracts.models import ModelSpec
from secateur.model.data.inputs import Ragged
from secateur.packaging.arrangement import Arrangement
from secateur.packaging.source import HeldOut
from secateur.serving.files import layout
from secateur.serving.files.package import Contents
from secateur.serving.files.vocabulary import HASH_BITS, Hashes
from secateur.serving.scorer import Scorer

Rows = NDArray[np.bool_]
Ids = NDArray[np.int32]

# Of 1,024 unknown ids one in ten thousand at most is taken for a known one (`FALSE_MATCH`), so that
# five are seen in one of ten million packages.
MOST_FALSE_MATCHES = 4


def differing_inputs(
    scorer: Scorer, held_out: HeldOut, spec: ModelSpec, arrangement: Arrangement
) -> dict[str, Rows]:
    """By name the inputs that the client encodes otherwise than features did, and where, [rows].

    Raises UsageError for raw values that the client does not read.
    """
    inputs = held_out.inputs
    feed = scorer.encode(held_out.columns, hashed=True)
    package_ids = _PackageIds(spec, arrangement)
    found, differing = scorer.ids_of(held_out.columns), {}
    for column, name in enumerate(spec.fields):
        expected = package_ids.of(column, inputs.ids[:, column].numpy())
        differing[name] = found[:, column] != expected
    for one, ragged in zip(spec.lists, inputs.lists, strict=True):
        padded = _pad_lists(package_ids.of(one.block, ragged.values.numpy()), ragged)
        differing[one.name] = _differ(feed[layout.list_input(one.name)], padded)
    if spec.numbers:
        apart = ~np.isclose(feed[layout.NUMBERS], inputs.numbers.numpy(), rtol=1e-6, atol=1e-7)
        differing |= dict(zip(spec.numbers, apart.T, strict=True))
    if spec.vectors:
        apart = ~np.isclose(feed[layout.VECTORS], inputs.vectors.numpy(), rtol=1e-6, atol=1e-7)
        ends = np.cumsum([vector.length for vector in spec.vectors])
        for vector, end in zip(spec.vectors, ends, strict=True):
            differing[vector.name] = apart[:, end - vector.length : end].any(axis=1)
    return {name: rows for name, rows in differing.items() if rows.any()}


def taken_for_known(contents: Contents, held_out: HeldOut) -> Rows:
    """Which rows [rows] hold an unknown id whose hash begins, in all bits stored, like a known one.

    The package's own words allow for them, unless there are more than `MOST_FALSE_MATCHES`.
    """
    taken = np.zeros(len(held_out), np.bool_)
    for column, field in enumerate(contents.schema.categories):
        known = contents.vocabulary[field.name]
        if isinstance(known, Hashes) and known.bits < HASH_BITS:
            raw = held_out.columns[field.name]
            hashes = np.array([int(value, 16) if value else 0 for value in raw], np.uint64)
            alike = np.isin(hashes >> np.uint64(HASH_BITS - known.bits), known.prefixes)
            unknown = held_out.inputs.ids[:, column].numpy() >= field.oov
            taken |= alike & unknown & np.array([bool(value) for value in raw])
    return taken if taken.sum() <= MOST_FALSE_MATCHES else np.zeros_like(taken)


def as_texts(columns: Mapping[str, Sequence[Any]], schema: FeatureSchema) -> dict[str, list[Any]]:
    """Raw columns as a service may have them: many values in one text, where `schema` says how."""
    separators = {one.name: one.separator for one in schema.lists}
    separators |= {one.name: one.separator for one in schema.vectors}
    return {
        name: [_text(value, separators.get(name)) for value in column]
        for name, column in columns.items()
    }


def _text(value: Any, separator: str | None) -> Any:  # noqa: ANN401 - raw values
    if separator is None or value is None:
        return value
    return separator.join("" if one is None else str(one) for one in value)


@dataclass(frozen=True, eq=False)
class _PackageIds:
    """The ids of a package, which may have a block's rows in another order than its model."""

    spec: ModelSpec
    arrangement: Arrangement

    def of(self, block: int, ids: Ids) -> NDArray[np.int64]:
        """The package's ids int64 [n] for the model's `ids` int32 [n]; ids not held are OOV."""
        heights = self.spec.rows
        start, height = sum(heights[:block]), heights[block]
        places = np.argsort(self.arrangement.order[start : start + height])
        return places[np.minimum(ids, height - 1)]


def _pad_lists(values: NDArray[np.int64], lists: Ragged) -> NDArray[np.int64]:
    """Ids int64 [rows, longest] of `values` [total] in as many rows as `lists` has."""
    lengths = lists.offsets.diff().numpy()
    padded = np.full((len(lengths), lengths.max(initial=0)), layout.PADDING, np.int64)
    padded[np.arange(padded.shape[1]) < lengths[:, None]] = values
    return padded


def _differ(found: NDArray[np.generic], expected: NDArray[np.int64]) -> Rows:
    """Where padded lists differ, [rows]; one row of `found` may stand for all."""
    width = max(found.shape[1], expected.shape[1])

    def wide(ids: NDArray[np.generic]) -> NDArray[np.generic]:
        return np.pad(ids, ((0, 0), (0, width - ids.shape[1])), constant_values=layout.PADDING)

    differ: Rows = (wide(found) != wide(expected)).any(axis=1)
    return differ

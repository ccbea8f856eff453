"""From a model's float32 tables to the numbers that its graph computes with.

The pairwise term of a factorization machine (Rendle 2010, eq. 5) needs, per sample, the sum over
fields of the embeddings and the sum of their squares. The latter is a property of the table rows
alone, so it moves into the first-order weight:

    w_r <- w_r - |e_r|^2 / 2        logit = bias + |sum_f e_f|^2 / 2 + sum_f w_f + tower

A table row is then (e_1 .. e_dim, w), and one product with one matrix gives a sample's first
tower layer, its field sums and its first order.

Integers: row values are q * k_f * step with q in -127..127, one step for all embeddings (another
for all w), and a small integer multiplier k_f a field, so that field sums are exact in integers. At
fewer bits q is a code times a stride: of each field's frequent rows, and of its rare ones, that
with the least squared error, which clips what is rarely so large (Banner et al., NeurIPS 2019).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from secateur.contracts.candidates import Recipe, levels_of
from secateur.packaging.arrangement import Arrangement
from secateur.packaging.quantization.product_quantization import decode_words, product_quantize
from secateur.serving.files.row_codes import MOST_LEVELS, ZERO, Segment
from secateur.serving.files.tables import Table

Floats = NDArray[np.float32]
Integers = NDArray[np.int32]

MOST_MULTIPLIER = 63
SAMPLE = 1 << 14  # values that a stride is chosen by


@dataclass(frozen=True)
class PackedTable:
    """Rows [rows, dim + 1] (see `serving.files.tables`), and what one unit of them is worth.

    A stored unit of field f, column c stands for `multipliers[f, c] * steps[c]`. Integers lie in
    `segments`; product-quantized embeddings are `words` [rows, parts] of `books`.
    """

    rows: Table
    multipliers: Integers
    steps: Floats
    segments: tuple[Segment, ...] = ()
    words: NDArray[np.uint8] | None = None
    books: tuple[NDArray[np.uint8], ...] = ()

    @property
    def units(self) -> Floats:
        """Worth of one stored unit, [fields, dim + 1]."""
        return (self.multipliers * self.steps).astype(np.float32)


def float_table(
    embedding: Floats, first_order: Floats, heights: tuple[int, ...], pairs: bool = True
) -> PackedTable:
    """Table of embeddings [rows, dim] and first-order weights [rows] in float32.

    Without `pairs` nothing is folded into the first-order weights.
    """
    folded = folded_first_order(embedding, first_order) if pairs else first_order
    rows = np.column_stack([embedding, folded])
    width = rows.shape[1]
    ones = np.ones((len(heights), width), np.int32)
    return PackedTable(rows.astype(np.float32), ones, np.ones(width, np.float32))


def integer_table(
    embedding: Floats,
    first_order: Floats,
    arrangement: Arrangement,
    recipe: Recipe,
    pairs: bool = True,
) -> PackedTable:
    """Table of embeddings [rows, dim] and first-order weights [rows], both as arranged.

    Without `pairs` nothing is folded into the first-order weights.
    """
    heights = arrangement.heights
    field = np.repeat(np.arange(len(heights)), heights)
    runs = list(arrangement.runs())
    levels = [recipe.levels[rare] for _, rare in runs]
    first_levels = [levels_of(recipe.first_order_bits)] * len(runs)
    lengths = [rows for rows, _ in runs]
    parts = recipe.product_parts
    if parts:
        levels = [MOST_LEVELS] * len(runs)
    q, k, step, strides = _quantize(embedding, field, lengths, levels)
    words, books = product_quantize(q, parts, 1 << recipe.embedding_bits) if parts else (None, ())
    q = q if words is None else decode_words(words, books)
    # Fold the squares of what the graph will see, not of what was meant.
    seen = (q * (k * step)[field, None]).astype(np.float32)
    folded = folded_first_order(seen, first_order) if pairs else first_order
    q_first, k_first, step_first, first_strides = _quantize(
        folded[:, None], field, lengths, first_levels
    )
    dim = embedding.shape[1]
    return PackedTable(
        (np.column_stack([q, q_first]) + ZERO).astype(np.uint8),
        np.column_stack([np.repeat(k[:, None], dim, axis=1), k_first]),
        np.array([step] * dim + [step_first], np.float32),
        tuple(map(Segment, lengths, levels, strides, first_levels, first_strides)),
        words,
        books,
    )


def folded_first_order(embedding: Floats, first_order: Floats) -> Floats:
    """First-order weights [rows] less half the squared norms of the embeddings [rows, dim]."""
    squares = np.square(embedding, dtype=np.float64).sum(axis=1)
    return np.asarray(first_order - 0.5 * squares, np.float32)


def _quantize(
    values: Floats, field: NDArray[np.int64], lengths: Sequence[int], levels: Sequence[int]
) -> tuple[Floats, Integers, np.float32, list[int]]:
    """Whole numbers [rows, columns], multipliers 1..63 [fields], the step they share, and strides.

    Rows lie in segments of these `lengths`, each with its own `levels` and stride.
    """
    largest = np.zeros(field[-1] + 1, np.float32)
    np.maximum.at(largest, field, np.abs(values).max(axis=1, initial=0))
    tiny = np.finfo(np.float32).tiny
    step = np.float32(max(largest.max() / (MOST_LEVELS * MOST_MULTIPLIER), tiny))
    k = np.clip(np.ceil(largest / (MOST_LEVELS * step) - 1e-4), 1, MOST_MULTIPLIER).astype(np.int32)
    units: Floats = (values / (k * step)[field, None]).astype(np.float32)
    strides = []
    for rows, most in zip(np.split(units, np.cumsum(lengths)[:-1]), levels, strict=True):
        strides.append(best_stride(rows, most))
        rows[:] = strides[-1] * _round_to_levels(rows / np.float32(strides[-1]), most)
    return units, k, step, strides


def best_stride(units: Floats, levels: int) -> int:
    """How many units apart the `levels` lie that round `units` [rows, columns] best.

    The best leave the least squared error.
    """
    sample = units.ravel()[:: max(1, units.size // SAMPLE)].astype(np.float32)

    def error(stride: int) -> float:
        codes = _round_to_levels(sample / np.float32(stride), levels)
        return float(np.square(sample - np.float32(stride) * codes).sum(dtype=np.float64))

    return min(range(1, MOST_LEVELS // levels + 1), key=error)


def _round_to_levels(values: Floats, levels: int) -> Floats:
    return np.clip(np.rint(values), -levels, levels)

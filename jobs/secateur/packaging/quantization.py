"""From a model's float32 weights to the numbers that its graph computes with.

The pairwise term of a factorization machine (Rendle 2010, eq. 5) needs, per sample, the sum over
fields of the embeddings and the sum of their squares. The latter is a property of the table rows
alone, so it moves into the first-order weight:

    w_r <- w_r - |e_r|^2 / 2        logit = bias + |sum_f e_f|^2 / 2 + sum_f w_f + tower

A table row is then (e_1 .. e_dim, w), and one product with one matrix gives a sample's first
tower layer, its field sums and its first order.

Integers: row values are q * k_f * step with q in -127..127 (-7..7 at 4 bits), one step for all
embeddings (another for all w), and a small integer multiplier k_f a field, so that field sums
are exact in integers. Tower weights have one scale an output neuron and stay within +-63: two
products of uint8 and 7-bit weights fit the 16-bit sums of processors without VNNI, which would
saturate at 8 bits, so every machine computes the same integers.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from secateur.serving.tables import ZERO, Table

Floats = NDArray[np.float32]
Integers = NDArray[np.int32]

WEIGHT_LIMIT = 63
LEVELS = {8: 127, 4: 7}
FIRST_ORDER_LEVELS = 127  # one byte a row, at any bits of the embedding


@dataclass(frozen=True)
class PackedTable:
    """Rows [rows, dim + 1] (see `serving.tables`), and what one unit of them is worth.

    A stored unit of field f, column c stands for `multipliers[f, c] * steps[c]`.
    """

    rows: Table
    multipliers: Integers
    steps: Floats

    @property
    def units(self) -> Floats:
        """Worth of one stored unit, [fields, dim + 1]."""
        return (self.multipliers * self.steps).astype(np.float32)


@dataclass(frozen=True)
class FloatLinear:
    """Weights [inputs, outputs] and bias [outputs]."""

    weight: Floats
    bias: Floats


@dataclass(frozen=True)
class IntegerLinear:
    """Integer weights [inputs, outputs], worth `scale` [outputs] a unit; float bias [outputs]."""

    weight: NDArray[np.int8]
    scale: Floats
    bias: Floats


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
    heights: tuple[int, ...],
    bits: int,
    pairs: bool = True,
) -> PackedTable:
    """Table of embeddings [rows, dim] in 8 or 4 bits and first-order weights [rows] in 8.

    Without `pairs` nothing is folded into the first-order weights.
    """
    field = np.repeat(np.arange(len(heights)), heights)
    q, k, step = _quantized(embedding, field, LEVELS[bits])
    # Fold the squares of what the graph will see, not of what was meant.
    seen = (q * (k * step)[field, None]).astype(np.float32)
    folded = folded_first_order(seen, first_order) if pairs else first_order
    q_first, k_first, step_first = _quantized(folded[:, None], field, FIRST_ORDER_LEVELS)
    dim = embedding.shape[1]
    return PackedTable(
        (np.column_stack([q, q_first]) + ZERO).astype(np.uint8),
        np.column_stack([np.repeat(k[:, None], dim, axis=1), k_first]),
        np.array([step] * dim + [step_first], np.float32),
    )


def folded_first_order(embedding: Floats, first_order: Floats) -> Floats:
    """First-order weights [rows] less half the squared norms of the embeddings [rows, dim]."""
    squares = np.square(embedding, dtype=np.float64).sum(axis=1)
    return np.asarray(first_order - 0.5 * squares, np.float32)


def integer_linear(weight: Floats, bias: Floats) -> IntegerLinear:
    """Quantize weights [inputs, outputs] symmetrically, one scale an output."""
    largest = np.abs(weight).max(axis=0, initial=0)
    scale = np.where(largest > 0, largest / WEIGHT_LIMIT, 1.0).astype(np.float32)
    return IntegerLinear(_rounded(weight / scale, WEIGHT_LIMIT).astype(np.int8), scale, bias)


def _quantized(
    values: Floats, field: NDArray[np.int64], levels: int
) -> tuple[Floats, Integers, np.float32]:
    """Whole numbers [rows, columns], multipliers 1..63 [fields], and the step they share."""
    largest = np.zeros(field[-1] + 1, np.float32)
    np.maximum.at(largest, field, np.abs(values).max(axis=1, initial=0))
    step = np.float32(max(largest.max() / (levels * WEIGHT_LIMIT), np.finfo(np.float32).tiny))
    k = np.clip(np.ceil(largest / (levels * step) - 1e-4), 1, WEIGHT_LIMIT).astype(np.int32)
    return _rounded(values / (k * step)[field, None], levels), k, step


def _rounded(values: Floats, levels: int) -> Floats:
    return np.clip(np.rint(values), -levels, levels)

"""Columns of numbers, and what the train days teach of them: boundaries, knots, mean, deviation."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from secateur.contracts.features import BucketField, NumberField
from secateur.encoding.numbers import Doubles, numbers_in
from secateur.encoding.scales import signed_log
from secateur.scenario import FieldSpec


@dataclass(frozen=True)
class Sample:
    """Distinct finite numbers (float64), rising, with the train rows (int64) that hold each."""

    numbers: Doubles
    rows: NDArray[np.int64]

    @classmethod
    def of(cls, numbers: Doubles, rows: NDArray[np.int64]) -> "Sample":
        """The finite ones of `numbers` [n], in any order; `rows` [n] of equals add up."""
        finite = np.isfinite(numbers)
        distinct, place = np.unique(numbers[finite], return_inverse=True)
        total = np.zeros(len(distinct), np.int64)
        np.add.at(total, place, rows[finite])
        return cls(distinct, total)

    @classmethod
    def of_counts(cls, column: pa.Array) -> "Sample":
        """The finite ones of a column [n] of float64."""
        found = pc.value_counts(column.drop_null())
        return cls.of(found.field("values").to_numpy(), found.field("counts").to_numpy())

    @classmethod
    def together(cls, parts: "Sequence[Sample]") -> "Sample":
        """The rows of all parts."""
        numbers = np.concatenate([np.empty(0), *(part.numbers for part in parts)])
        return cls.of(numbers, np.concatenate([np.empty(0, np.int64), *(p.rows for p in parts)]))

    def quantiles(self, places: NDArray[np.int64], parts: int) -> Doubles:
        """The distinct quantiles (float64 [at most n]) at `places` [n] / `parts`, rising.

        Each is the smallest number with at least that share of the rows at or below it: the
        inverse of the empirical distribution, type 1 of Hyndman & Fan 1996.
        """
        if not len(self.numbers):
            return self.numbers
        at_or_below = np.cumsum(self.rows)
        wanted = at_or_below[-1] * places / parts
        return np.unique(self.numbers[np.searchsorted(at_or_below, wanted, side="left")])


def bucket_field(spec: FieldSpec, sample: Sample) -> BucketField:
    """A number cut at the train days' quantiles into at most `buckets` parts of about equal rows.

    No boundary is at the least number: nothing lies below it.
    """
    cuts = sample.quantiles(np.arange(1, spec.buckets), spec.buckets)
    boundaries = tuple(float(cut) for cut in cuts if cut > sample.numbers[0])
    return BucketField(spec.name, spec.owner, boundaries)


def number_field(spec: FieldSpec, sample: Sample) -> NumberField:
    """A number by its scale; only what the scale needs is learned.

    The knots are the quantiles at 0, 1/buckets, ..., 1. Of those that many equal rows make the
    same, one is left. Sums are exact (`math.fsum`), so they depend on no order.
    """
    if spec.scale in ("standard", "standard_log"):
        logs = Sample(signed_log(sample.numbers), sample.rows)
        mean, deviation = _moments(logs if spec.scale == "standard_log" else sample)
        return NumberField(spec.name, spec.owner, spec.scale, mean, deviation)
    if spec.scale == "quantile":
        knots = sample.quantiles(np.arange(spec.buckets + 1), spec.buckets)
        return NumberField(spec.name, spec.owner, spec.scale, knots=tuple(knots.tolist()))
    return NumberField(spec.name, spec.owner, spec.scale)


def _moments(sample: Sample) -> tuple[float, float]:
    """Mean and population standard deviation; 0 and 1 without a number, 1 where all are equal."""
    rows = int(sample.rows.sum())
    if not rows:
        return 0.0, 1.0
    mean = math.fsum(sample.numbers * sample.rows) / rows
    variance = math.fsum((sample.numbers - mean) ** 2 * sample.rows) / rows
    return mean, math.sqrt(variance) or 1.0


def column_numbers(column: pa.Array) -> Doubles:
    """Float64 [n] of a column [n] of texts, a dictionary of them or doubles; NaN for none.

    Each distinct text is read once.
    """
    if pa.types.is_floating(column.type):
        found: Doubles = column.fill_null(math.nan).to_numpy(zero_copy_only=False)
        return found
    distinct = column.dictionary_encode()
    texts = distinct.dictionary.cast(pa.string())
    numbers = np.append(numbers_in(texts.to_pylist()), np.nan)
    of_row: Doubles = numbers[distinct.indices.fill_null(len(texts)).to_numpy()]
    return of_row

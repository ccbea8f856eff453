"""How well each input tells a label all by itself: one that tells nearly all of it is an outcome.

Half of the train rows say how often each id is positive, and the other half is scored by that, so
that a value which stands in one row tells nothing. A number counts by its quantile, a list by the
mean of its ids, a vector by its best component; a category of numbers also counts as a number.

The work is bounded: at most `_GROUPS` row groups are read, one at a time, and `_ROWS` rows kept.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import great_expectations.expectations as gxe
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from secateur.auc import auc
from secateur.contracts.features import (
    AnyField,
    BucketField,
    CategoryField,
    FeatureSchema,
    ListField,
    NumberField,
    VectorField,
)
from secateur.encoding.numbers import numbers_in
from secateur.validation.suite_runner import Suite

TITLE = "each input alone"
_GROUPS, _ROWS = 24, 100_000
_LEAST = 50  # rows of each class, below which chance alone can tell them apart
_PRIOR = 5  # rows that the mean weighs as much as
_PARTS = 512  # quantiles of a number
_MOSTLY = 0.9  # of a vocabulary's values are numbers, where it is one of numbers

Ids = NDArray[np.int64]
Floats = NDArray[np.float64]


def single_feature_suite(
    train: Sequence[Path], schema: FeatureSchema, vocabulary: pa.Table, most: float
) -> Suite:
    """The suite that refuses each input whose AUC alone is above `most`.

    `train` are the files of the train rows, `vocabulary` [n] has a row a value, with its `field`,
    `id` and `value`.
    """
    found = single_feature_aucs(_sample(train, schema), schema, vocabulary)
    frame = {"input": [*found], "auc": [*found.values()]}
    within = gxe.ExpectColumnValuesToBeBetween(
        column="auc",
        max_value=most,
        description=f"no input alone tells the label: AUC at most {most:g} "
        "(validation.max_single_feature_auc); an outcome of the event is no input",
    )
    return Suite(TITLE, pa.table(frame).to_pandas(), (within,), key="input")


def single_feature_aucs(
    rows: pa.Table, schema: FeatureSchema, vocabulary: pa.Table
) -> dict[str, float]:
    """The AUC of each input alone, for the label, or for a task that it tells better.

    `rows` [n] are train rows. An input for which no label has enough rows of both classes has .5.
    """
    numbers = _numbers_of(vocabulary, schema.categories)
    labels = [name for name in ("label", *schema.task_columns) if name in rows.column_names]
    told = list(map(_Told.of, (rows[name] for name in labels)))
    inputs = [field for field in schema.inputs if field.name in rows.column_names]
    return {
        field.name: max([0.5, *(auc for one in told for auc in one.aucs(field, rows, numbers))])
        for field in inputs
    }


@dataclass(frozen=True)
class _Told:
    """A label, the rows that tell it, and the half of them that each is in."""

    rows: NDArray[np.bool_]
    label: Ids
    half: Ids

    @classmethod
    def of(cls, column: pa.ChunkedArray) -> "_Told":
        """Of a column [n] of 1, 0 and null."""
        there = column.is_valid().to_numpy()
        label = column.drop_null().to_numpy().astype(np.int64)
        # By chance and not in turns: rows of one list would stand in the same turn.
        return cls(there, label, np.random.default_rng(0).integers(0, 2, len(label)))

    def aucs(
        self,
        field: AnyField,
        rows: pa.Table,
        numbers: Mapping[str, Floats],
    ) -> Iterator[float]:
        """The AUC of each way to read an input's column of `rows` [n]."""
        if min(self.label.sum(), len(self.label) - self.label.sum()) < _LEAST:
            return
        for ids in _id_columns(field, rows, numbers):
            found = auc(self.label, self._scores(ids).astype(np.float32))
            yield found or 0.5

    def _scores(self, lists: pa.ListArray) -> Floats:
        """Float64 [told rows]: the mean over a row's ids of how often the other half is positive.

        `lists` [n] hold int64 ids from 0, one or many a row.
        """
        lists = lists.filter(pa.array(self.rows))
        of_row = pc.list_parent_indices(lists).to_numpy()
        ids = lists.flatten().to_numpy()
        size = int(ids.max(initial=0)) + 1
        label, half = self.label[of_row], self.half[of_row]
        rates = np.empty(len(ids))
        for one in (0, 1):
            other, mean = half != one, self.label[self.half != one].mean()
            positives = np.bincount(ids[other], label[other], size) + _PRIOR * mean
            rate = positives / (np.bincount(ids[other], minlength=size) + _PRIOR)
            rates[half == one] = rate[ids[half == one]]
        rows = len(self.label)
        sums, counts = np.bincount(of_row, rates, rows), np.bincount(of_row, minlength=rows)
        scores: Floats = np.where(counts, sums / np.maximum(counts, 1), self.label.mean())
        return scores


def _id_columns(
    field: AnyField, rows: pa.Table, numbers: Mapping[str, Floats]
) -> Iterator[pa.ListArray]:
    """Each way to read an input's column of `rows` [n], as lists of ids [n].

    What another suite will find at fault, such as an id that is none, is read as something.
    """
    column = rows[field.name].combine_chunks()
    match field:
        case ListField():
            ids = np.clip(column.flatten().fill_null(0).to_numpy(), 0, field.size)
            lengths = column.value_lengths().fill_null(0).to_numpy()
            yield _lists(ids.astype(np.int64), lengths)
        case CategoryField() | BucketField():
            ids = np.clip(column.fill_null(field.oov).to_numpy(), 0, field.oov).astype(np.int64)
            yield _singly(ids)
            if field.name in numbers:
                yield _singly(
                    _parts(numbers[field.name][np.minimum(ids, len(numbers[field.name]) - 1)])
                )
        case NumberField():
            yield _singly(_parts(column.fill_null(np.nan).to_numpy().astype(np.float64)))
        case VectorField():
            whole = pc.equal(column.value_lengths(), field.length).fill_null(False)
            values = np.full((len(column), field.length), np.nan)
            found = column.filter(whole).flatten().fill_null(np.nan).to_numpy()
            values[whole.to_numpy(zero_copy_only=False)] = found.reshape(-1, field.length)
            yield from (_singly(_parts(part)) for part in values.T)


def _lists(ids: Ids, lengths: Ids) -> pa.ListArray:
    """Lists [n] of so many ids each."""
    offsets = np.append(0, np.cumsum(lengths)).astype(np.int32)
    return pa.ListArray.from_arrays(offsets, pa.array(ids))


def _singly(ids: Ids) -> pa.ListArray:
    """Lists [n] of one id each."""
    return _lists(ids, np.ones(len(ids), np.int64))


def _parts(numbers: Floats) -> Ids:
    """The quantile (int64 [n]) that each number lies in; one more for those that are none."""
    finite = np.isfinite(numbers)
    if not finite.any():
        return np.zeros(len(numbers), np.int64)
    cuts = np.unique(np.quantile(numbers[finite], np.arange(1, _PARTS) / _PARTS))
    return np.where(finite, np.searchsorted(cuts, numbers, "right"), len(cuts) + 1)


def _numbers_of(vocabulary: pa.Table, fields: Sequence[CategoryField]) -> dict[str, Floats]:
    """The numbers (float64 [size]) that a category's ids stand for, where most are numbers."""
    found = {}
    for field in fields:
        own = vocabulary.filter(pc.equal(vocabulary["field"], field.name))
        values = numbers_in(own["value"].to_pylist())
        if len(values) > _PARTS and np.isfinite(values).mean() > _MOSTLY:
            by_id = np.full(len(values) + 1, np.nan)
            by_id[np.clip(own["id"].to_numpy(), 0, len(values))] = values
            found[field.name] = by_id
    return found


def _sample(files: Sequence[Path], schema: FeatureSchema) -> pa.Table:
    """At most `_ROWS` train rows with the inputs and labels, evenly over the files."""
    groups = [(f, n) for f in files for n in range(pq.read_metadata(f).num_row_groups)]
    step = max(1, -(-len(groups) // _GROUPS))
    chosen = groups[::step]
    wanted = [*(field.name for field in schema.inputs), "label", *schema.task_columns]
    edges = np.linspace(0, _ROWS, len(chosen) + 1).astype(int).tolist()
    tables = []
    for (file, number), (start, end) in zip(chosen, pairwise(edges), strict=True):
        opened = pq.ParquetFile(file)
        there = [name for name in dict.fromkeys(wanted) if name in opened.schema_arrow.names]
        table = opened.read_row_group(number, there)
        rows = np.linspace(0, len(table) - 1, min(end - start, len(table))).astype(np.int64)
        tables.append(table.take(pa.array(rows)))
    return pa.concat_tables(tables, promote_options="permissive") if tables else pa.table({})

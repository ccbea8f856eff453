"""How often each item was taken lately, up to any moment of one step of time."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from secateur.events.negatives.candidates import ITEM, KNOWN, ROWS

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class LiveItems:
    """The items that one step of time may draw, and their positives.

    `items` (string [m]) are distinct, and a code is a place among them. `before` (int64 [m]) counts
    the positives of the look-back's whole steps; the step's own p ones stand in `own` (int64 [p])
    as code * `span` + milliseconds since the step's start, rising, the first of each code at
    `starts` (int64 [m]). `columns` [m + p] describe each item as the whole steps left it, then as
    each own positive did.
    """

    items: pa.Array
    before: Ints
    own: Ints
    starts: Ints
    columns: pa.Table
    start: int
    span: int

    @classmethod
    def of(cls, known: pa.Table, start: int, span: int) -> "LiveItems":
        """From the rows [n] of `candidates.known_positives` of the step that starts at `start`."""
        items = pc.unique(known[ITEM]).sort()
        is_own = pc.is_valid(known[KNOWN])
        whole, own = known.filter(pc.invert(is_own)), known.filter(is_own)
        described = [name for name in known.column_names if name not in (ITEM, KNOWN, ROWS)]
        places = _codes(whole[ITEM], items)
        before = np.zeros(len(items), np.int64)
        before[places] = whole[ROWS].to_numpy()
        row_of = np.full(len(items), -1)
        row_of[places] = np.arange(len(places))
        own = own.sort_by([(name, "ascending") for name in (ITEM, KNOWN, *described)])
        keys = _codes(own[ITEM], items) * span + (own[KNOWN].to_numpy() - start)
        latest = whole.select(described).take(pa.array(row_of, mask=row_of < 0))
        columns = pa.concat_tables([latest, own.select(described)]).combine_chunks()
        starts = np.searchsorted(keys, np.arange(len(items)) * span)
        return cls(items, before, keys, starts, columns, start, span)

    def codes_of(self, items: pa.ChunkedArray) -> Ints:
        """The code of each of `items` (string [n]), -1 for one that is not there."""
        return _codes(items, self.items)

    def counts(self, codes: Ints, moments: Ints) -> Ints:
        """Positives (int64 [n]) of each item of `codes` known strictly before each of `moments`."""
        return self.before[codes] + self._places(codes, moments) - self.starts[codes]

    def columns_at(self, codes: Ints, moments: Ints) -> pa.Table:
        """The items' columns [n] by their latest positive strictly before each of `moments`."""
        places = self._places(codes, moments)
        own = places > self.starts[codes]
        return self.columns.take(pa.array(np.where(own, len(self.items) + places - 1, codes)))

    def _places(self, codes: Ints, moments: Ints) -> Ints:
        found: Ints = np.searchsorted(self.own, codes * self.span + (moments - self.start))
        return found


def _codes(values: pa.ChunkedArray, items: pa.Array) -> Ints:
    places = pc.index_in(values, value_set=items)
    found: Ints = pc.fill_null(places, -1).to_numpy().astype(np.int64)
    return found

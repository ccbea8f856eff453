"""Draws of one step of time, on a worker: exact chances at every event's own moment.

An item's chance at a moment is c ^ power over the sum of that over all items, with c its positives
in the look-back up to the moment (power 1 is popularity, 0 uniform over what is live; 0.75 as in
Mikolov et al. 2013). The sum changes with every event. So events are taken in blocks by time: a
draw takes an item by the counts at the block's end, which are no smaller than its own, and keeps it
with the chance (c / c at the end) ^ power, else it draws again. That is rejection sampling (von
Neumann 1951), and exact. Draws are hashes of the event and their numbers: they know no order.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from secateur.events.negatives.candidates import AT, MOMENT, PART, STEP
from secateur.events.negatives.live_items import Ints, LiveItems
from secateur.scenario.raw_log.column_names import INTERNAL

DRAW, LIVE = f"{INTERNAL}draw", f"{INTERNAL}live"
_BLOCKS = 64
_TRIES = 16  # of a draw
_MANTISSA_BITS = 53  # of a double
Hashes = NDArray[np.uint64]
Draws = tuple[Ints, Ints, Ints]  # the event's row, the item's code, the draw's number; each [n]


@dataclass(frozen=True)
class Drawing:
    """How to draw: `draws` for each event, by counts to the `power`."""

    item: str
    item_columns: tuple[str, ...]
    draws: int
    power: float
    step_ms: int


def draw_step(drawing: Drawing, asked: pa.Table, known: pa.Table) -> pa.Table:
    """The events `asked` [n] of one step, numbered -1, and the draws for each, numbered from 0.

    `known` [k] are the rows of `candidates.known_positives`. `_live` tells whether the row's item
    could be drawn at its moment. The item's columns are those of its latest positive before the
    moment, for events and draws alike; an event whose item had none keeps its own.
    """
    if not len(asked):
        return _with_numbers(asked, np.zeros(0, np.int64), np.zeros(0, bool))
    live = LiveItems.of(known, asked[STEP][0].as_py() * drawing.step_ms, drawing.step_ms)
    asked = _with_distinct_hashes(asked)
    return pa.concat_tables([_events(drawing, asked, live), _negatives(drawing, asked, live)])


def _events(drawing: Drawing, asked: pa.Table, live: LiveItems) -> pa.Table:
    """The events `asked` [n] themselves."""
    codes, moments = live.codes_of(asked[drawing.item]), asked[MOMENT].to_numpy()
    is_live = codes >= 0
    is_live[is_live] = live.counts(codes[is_live], moments[is_live]) > 0
    described = live.columns_at(codes[is_live], moments[is_live])
    for name in drawing.item_columns:
        own, latest = asked[name].combine_chunks(), described[name].combine_chunks()
        asked = _with_column(asked, name, pc.replace_with_mask(own, pa.array(is_live), latest))
    return _with_numbers(asked, np.full(len(asked), -1), is_live)


def _negatives(drawing: Drawing, asked: pa.Table, live: LiveItems) -> pa.Table:
    """The draws for the events `asked` [n], an item once an event."""
    moments, hashes = asked[MOMENT].to_numpy(), asked[AT].to_numpy().view(np.uint64)
    drawn = list(_draws(live, moments, hashes, drawing.draws, drawing.power))
    rows, codes, numbers = (np.concatenate(parts) for parts in zip(*drawn, strict=True))
    rows, codes, numbers = _once_an_event(rows, codes, numbers)
    table, described = asked.take(pa.array(rows)), live.columns_at(codes, moments[rows])
    table = _with_column(table, drawing.item, live.items.take(pa.array(codes)))
    for name in drawing.item_columns:
        table = _with_column(table, name, described[name])
    return _with_numbers(table, numbers, np.ones(len(rows), bool))


def _draws(
    live: LiveItems, moments: Ints, hashes: Hashes, draws: int, power: float
) -> Iterator[Draws]:
    """The draws of each block of the events at `moments` (int64 [n]) with `hashes` (uint64 [n])."""
    order, every = np.argsort(moments, kind="stable"), np.arange(len(live.items))
    for block in np.array_split(order, min(_BLOCKS, len(order))):
        rows, numbers = np.repeat(block, draws), np.tile(np.arange(draws), len(block))
        most = _weights(live.counts(every, np.full(len(every), moments[block[-1]])), power)
        seeds = _mix(hashes[rows] + numbers.astype(np.uint64))
        codes = _kept_tries(live, most, power, moments[rows], seeds)
        kept = codes >= 0
        yield rows[kept], codes[kept], numbers[kept]


def _kept_tries(
    live: LiveItems, most: NDArray[np.float64], power: float, moments: Ints, seeds: Hashes
) -> Ints:
    """The code (int64 [n]) that each draw falls on, -1 where no try of it was kept.

    `most` (float64 [m]) are the items' greatest weights; `moments` (int64 [n]) and `seeds`
    (uint64 [n]) are the draws'.
    """
    found = np.full(len(moments), -1)
    bounds = np.cumsum(most)
    if not len(bounds) or not bounds[-1]:
        return found
    waiting = np.arange(len(moments))
    for number in range(_TRIES):
        chance, keep = (_uniform(seeds[waiting], 2 * number + half) for half in (1, 2))
        codes = np.searchsorted(bounds, chance * bounds[-1], side="right")
        weights = _weights(live.counts(codes, moments[waiting]), power)
        kept = keep * most[codes] < weights
        found[waiting[kept]] = codes[kept]
        waiting = waiting[~kept]
    return found


def _weights(counts: Ints, power: float) -> NDArray[np.float64]:
    """Counts (int64 [n]) to the power, float64 [n]; nothing that was never taken has a weight."""
    return np.where(counts > 0, np.maximum(counts, 1) ** power, 0.0)


def _once_an_event(rows: Ints, codes: Ints, numbers: Ints) -> Draws:
    """Of an event's draws [n] of one item, the one with the least number; by event and number."""
    order = np.lexsort((numbers, rows))
    rows, codes, numbers = rows[order], codes[order], numbers[order]
    pairs = np.stack([rows, codes])
    _, first = np.unique(pairs, axis=1, return_index=True)
    first.sort()
    return rows[first], codes[first], numbers[first]


def _with_distinct_hashes(asked: pa.Table) -> pa.Table:
    """The events [n] with hashes of their own: equal ones are numbered."""
    hashes = asked[AT].to_numpy().view(np.uint64)
    order = np.argsort(hashes, kind="stable")
    _, first, place = np.unique(hashes[order], return_index=True, return_inverse=True)
    again = np.empty(len(hashes), np.uint64)
    again[order] = np.arange(len(hashes), dtype=np.uint64) - first[place].astype(np.uint64)
    own = np.where(again > 0, _mix(hashes + again), hashes).view(np.int64)
    return _with_column(asked, AT, pa.array(own))


def _with_numbers(table: pa.Table, numbers: Ints, is_live: NDArray[np.bool_]) -> pa.Table:
    """Rows [n] with their numbers (int64 [n]), and whether their items are live (bool [n])."""
    rows = table.drop_columns([MOMENT, STEP, PART])
    return rows.append_column(DRAW, [numbers]).append_column(LIVE, [is_live])


def _with_column(table: pa.Table, name: str, column: pa.Array | pa.ChunkedArray) -> pa.Table:
    """The table [n] with another column [n] of this name."""
    return table.set_column(table.column_names.index(name), name, column)


def _uniform(seeds: Hashes, number: int) -> NDArray[np.float64]:
    """A number in [0, 1) (float64 [n]) for each seed (uint64 [n])."""
    upper = _mix(seeds + np.uint64(number)) >> np.uint64(64 - _MANTISSA_BITS)
    return upper.astype(np.float64) * 2.0**-_MANTISSA_BITS


def _mix(values: Hashes) -> Hashes:
    """A step of SplitMix64 (Steele, Lea, Flood 2014) from each of `values` (uint64 [n])."""
    mixed = values * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))

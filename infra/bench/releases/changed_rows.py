"""Releases of many keys, and the same with a share of the rows changed and a few new ones."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from secateur.contracts.releases import SnapshotColumn
from secateur.serving.files import layout
from secateur.serving.files.tables import write_mapped
from secateur.snapshot.keyed_tables import table_folder, write_table

ROWS, DIM = 300_000, 16
NEW_OF_CHANGED = 0.1  # new keys, of those that changed
COUNTERS = 6
SEED = 19


def write_floats(folder: Path, rows: int, changed: float) -> None:
    """A package's table of float32 rows [rows, DIM + 1]; of those that changed, new ones.

    New rows stand anywhere among the old ones, as sorted values do.
    """
    rng = np.random.default_rng(SEED)
    table = rng.normal(0, 0.05, (rows, DIM + 1)).astype(np.float32)
    if changed:
        count = round(rows * changed)
        table[rng.choice(rows, count, replace=False)] += rng.normal(
            0, 0.01, (count, DIM + 1)
        ).astype(np.float32)
        new = _new(rng, rows, count)
        made = rng.normal(0, 0.05, (len(new), DIM + 1)).astype(np.float32)
        table = np.insert(table, new, made, axis=0)
    write_mapped(folder / layout.MAPPED_TABLE, table)


def write_counters(folder: Path, rows: int, changed: float) -> None:
    """A snapshot's table of counters; those of the keys that changed are some more."""
    rng = np.random.default_rng(SEED)
    counts = rng.negative_binomial(1, 0.05, (COUNTERS, rows)).astype(np.float64)
    keys = [f"user {number}" for number in range(rows)]
    if changed:
        count = round(rows * changed)
        places = rng.choice(rows, count, replace=False)
        counts[:, places] += rng.integers(0, 4, (COUNTERS, count))
        new = len(_new(rng, rows, count))
        keys += [f"user {rows + number}" for number in range(new)]
        counts = np.column_stack([counts, rng.integers(1, 4, (COUNTERS, new))])
    columns = [(SnapshotColumn(f"c{n}", "number"), counts[n]) for n in range(COUNTERS)]
    write_table(table_folder(folder, 0), keys, columns)


def _new(rng: np.random.Generator, rows: int, changed: int) -> NDArray[np.int64]:
    places: NDArray[np.int64] = np.sort(rng.integers(0, rows, round(changed * NEW_OF_CHANGED)))
    return places

"""What a warm night's table of 8 bits would have in common with the one before, were scales held.

The second night's rows are rounded to scales of their own, as packages have them, and to those of
the first night. Of both: the rows that are the same, bytes and all, the blocks of so many rows, one
after the other, in which all are, and what a patch (`releases/deltas`) of the codes row after row
takes, beside the coded table that is fetched today.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from bench.pruning.recipes import INT8
from bench.pruning.subjects import Subject
from secateur.packaging.arrangement import Arranged, arrange
from secateur.packaging.quantization.table_quantization import (
    PackedTable,
    folded_first_order,
    integer_table,
)
from secateur.releases.deltas.patches import make_patch
from secateur.serving.files.row_codes import MOST_LEVELS, ZERO
from secateur.serving.files.tables import pack_table

BLOCK_ROWS = (4, 16, 256)
Key = tuple[str, str | int]


def head() -> Iterator[str]:
    """The head of a table of `lines`."""
    blocks = " | ".join(f"blocks of {rows}" for rows in BLOCK_ROWS)
    yield f"| int8, sorted | coded | as they are | rows the same | {blocks} | patch |"
    yield f"|---|--:|--:|--:|{'--:|' * len(BLOCK_ROWS)}--:|"


def lines(name: str, first: Subject, second: Subject) -> Iterator[str]:
    """A line for scales of their own, one for held ones, one for the vocabulary."""
    (old_order, old), (order, own) = _table(first), _table(second)
    places = {key: place for place, key in enumerate(_keys(first, old_order))}
    before = np.array([places.get(key, -1) for key in _keys(second, order)])
    for kind, rows in (("own scales", own.rows), ("held scales", _on_old_grid(old, second, order))):
        same = (before >= 0) & (old.rows[before] == rows).all(axis=1)
        blocks = [
            np.mean([same[i : i + n].all() for i in range(0, len(same), n)]) for n in BLOCK_ROWS
        ]
        patch = len(make_patch(rows.tobytes(), old.rows.tobytes()))
        coded = len(pack_table(rows, own.segments))
        shares = " | ".join(f"{share:.1%}" for share in (same.mean(), *blocks))
        yield f"| {name}: {kind} | {coded:,} | {rows.nbytes:,} | {shares} | {patch:,} |"
    texts = [_texts(order) for order in (old_order, order)]
    patch = len(make_patch(texts[1], texts[0]))
    nothing = " | ".join("-" for _ in (0, *BLOCK_ROWS))
    yield (
        f"| {name}: vocabulary | {len(order.vocabulary):,} | {len(texts[1]):,} | {nothing} "
        f"| {patch:,} |"
    )


def _table(subject: Subject) -> tuple[Arranged, PackedTable]:
    source = subject.source
    order = arrange(source.schema, source.vocabulary, source.counts, INT8)
    return order, integer_table(*_weights(subject, order), order.rows, INT8)


def _weights(subject: Subject, order: Arranged) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Embeddings [rows, dim] and first-order weights [rows] in the table's order."""
    tables = (subject.dense.embedding, subject.dense.first_order)
    embedding, first = (one.weight.detach().numpy()[order.rows.order] for one in tables)
    return embedding, first.sum(axis=1)


def _on_old_grid(old: PackedTable, subject: Subject, order: Arranged) -> NDArray[np.uint8]:
    """The rows of `subject` in units of the `old` table."""
    embedding, first = _weights(subject, order)
    worth = np.repeat(old.units, order.rows.heights, axis=0)
    units = _to_levels(embedding / worth[:, :-1])
    folded = folded_first_order(units * worth[:, :-1], first)
    return (np.column_stack([units, _to_levels(folded / worth[:, -1])]) + ZERO).astype(np.uint8)


def _to_levels(values: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.clip(np.rint(values), -MOST_LEVELS, MOST_LEVELS)


def _keys(subject: Subject, order: Arranged) -> Iterator[Key]:
    """What each row of the table stands for."""
    schema = subject.source.schema
    for block in (*schema.fields, *schema.own_lists):
        values = order.values.get(block.name, range(block.size - 1))
        yield from ((block.name, value) for value in values)
        yield block.name, -1


def _texts(order: Arranged) -> bytes:
    return "".join(f"{value}\n" for values in order.values.values() for value in values).encode()

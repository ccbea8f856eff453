"""A table of integers as codes of few bits, by segments of rows.

A segment is some rows one after the other with the same precision: a field's frequent rows, its
rare ones. A code there is a whole number in -levels..levels and stands for 128 + stride * code in
memory; embeddings have their levels and stride, the first order has its own. The payload holds the
codes, each plus the most levels that any segment has, column after column, in the smaller `coding`:

    bytes   one a byte, left to zstandard around it
    rans    see `entropy_coding`: one model a column and precision, so that every code takes as many
            bits as it tells

With `books` embeddings are product-quantized (Jegou et al., TPAMI 2011): an embedding is cut into
as many parts as there are books, and a column holds the numbers of the words that stand for a part.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from secateur.contracts import record
from secateur.contracts.errors import CorruptArtifact
from secateur.serving.files import compression, entropy_coding

ZERO = 128  # the uint8 that stands for 0
MOST_LEVELS = 127
MOST_WORDS = 256

Bytes = NDArray[np.uint8]
Books = Sequence[NDArray[np.uint8]]  # of a part: its words [words, length], as they are in memory


@dataclass(frozen=True)
class Segment:
    """`rows` rows whose codes have so many levels on either side of 0, of so many units each."""

    rows: int
    levels: int
    stride: int
    first_levels: int
    first_stride: int

    @property
    def is_sound(self) -> bool:
        """Whether every code has its place in a byte."""
        pairs = ((self.levels, self.stride), (self.first_levels, self.first_stride))
        within = all(n > 0 and k > 0 and n * k <= MOST_LEVELS for n, k in pairs)
        return within and self.rows >= 0


@dataclass(frozen=True)
class Header:
    """What `table.zst` says of itself."""

    rows: int
    width: int
    coding: Literal["bytes", "rans"]
    segments: tuple[tuple[int, ...], ...]
    books: tuple[tuple[tuple[int, ...], ...], ...] = ()
    form: Literal[2] = 2


def pack_codes(
    table: Bytes, segments: Sequence[Segment], words: Bytes | None = None, books: Books = ()
) -> bytes:
    """Pack a table of [rows, dim + 1], whose values are multiples of its segments' strides.

    With `books`, `words` [rows, books] say which of them its embeddings are.
    """
    rows, width = table.shape
    shape = _Shape(segments, words.shape[1] if words is not None else width - 1, len(books) > 0)
    first = _to_codes(table[:, -1], shape.first_strides, shape.levels)
    embedding = _to_codes(table[:, :-1], shape.strides, shape.levels) if words is None else words
    codes = np.column_stack([embedding, first]).T.ravel()
    coded = entropy_coding.encode_symbols(codes, shape.contexts, shape.models, shape.alphabet)
    header = {
        "rows": rows,
        "width": width,
        "segments": [list(record.plain(segment).values()) for segment in segments],
        "books": [book.tolist() for book in books],
        "form": 2,
    }
    payloads = {"bytes": codes.tobytes(), "rans": coded}
    return min(
        (compression.pack(header | {"coding": c}, payload) for c, payload in payloads.items()),
        key=len,
    )


def unpack_codes(header: dict[str, Any], payload: memoryview, rows: int, where: str) -> Bytes:
    """The table of as many `rows` as the schema promises. Raises CorruptArtifact."""
    found: Header = record.from_plain(Header, header, where)
    if found.rows != rows:
        raise CorruptArtifact(f"{where}: {found.rows} rows, the schema has {rows}")
    try:
        segments = [Segment(*numbers) for numbers in found.segments]
        if not all(s.is_sound for s in segments) or sum(s.rows for s in segments) != rows:
            raise ValueError("its segments make no table")
        books = [np.array(book, np.uint8) for book in found.books]
        columns = _columns(found, books)
        shape = _Shape(segments, columns, len(books) > 0)
        codes = shape.read(found.coding, payload).reshape(columns + 1, rows).T
        first = _values(codes[:, -1], shape.first_strides, shape.levels)
        if not books:
            parts = [_values(codes[:, :-1], shape.strides, shape.levels)]
        else:
            parts = [book[column] for book, column in zip(books, codes.T, strict=False)]
        return np.ascontiguousarray(np.column_stack([*parts, first]))
    except (ValueError, TypeError, IndexError, OverflowError) as error:
        raise CorruptArtifact(f"{where}: {error}") from error


def _columns(header: Header, books: Books) -> int:
    """How many columns of codes the embeddings have."""
    width = header.width
    if not 0 < width <= compression.LARGEST // header.rows:
        raise ValueError(f"width {width} makes no table")
    if not books:
        return width - 1
    whole = all(book.ndim == 2 and 0 < len(book) <= MOST_WORDS for book in books)
    if not whole or sum(book.shape[1] for book in books) != width - 1:
        raise ValueError(f"its books make no table of width {width}")
    return len(books)


class _Shape:
    """What follows from the segments of a table with so many `columns` of embeddings' codes."""

    def __init__(self, segments: Sequence[Segment], columns: int, has_books: bool) -> None:
        heights = [segment.rows for segment in segments]
        pairs = [(segment.levels, segment.first_levels) for segment in segments]
        kinds = sorted(set(pairs))
        kind = np.repeat([kinds.index(pair) for pair in pairs], heights).astype(np.uint16)
        places = np.arange(columns + 1, dtype=np.uint16)[:, None] * np.uint16(len(kinds))
        self.contexts = (places + kind).ravel()
        self.models = (columns + 1) * len(kinds)
        self.levels = max(first if has_books else max(most, first) for most, first in pairs)
        self.alphabet = MOST_WORDS if has_books else 2 * self.levels + 1
        self.strides = np.repeat([[s.stride] for s in segments], heights, axis=0)
        self.first_strides = np.repeat([s.first_stride for s in segments], heights)

    def read(self, coding: str, payload: memoryview) -> Bytes:
        """Codes, column after column."""
        if coding == "rans":
            return entropy_coding.decode_symbols(payload, self.contexts, self.models, self.alphabet)
        codes = np.frombuffer(payload, np.uint8)
        if len(codes) != len(self.contexts):
            raise ValueError(f"{len(codes)} codes, expected {len(self.contexts)}")
        return codes


def _to_codes(values: Bytes, strides: NDArray[np.int64], levels: int) -> Bytes:
    return ((values.astype(np.int16) - ZERO) // strides + levels).astype(np.uint8)


def _values(codes: Bytes, strides: NDArray[np.int64], levels: int) -> Bytes:
    """Uint8 values, of the codes' shape [rows] or [rows, dim]. Raises ValueError beyond a byte."""
    values = ZERO + (codes.astype(np.int16) - levels) * strides.astype(np.int16)
    if values.min(initial=0) < 0 or values.max(initial=0) > 255:
        raise ValueError("codes beyond the levels of their segments")
    return values.astype(np.uint8)

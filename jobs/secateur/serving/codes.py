"""A table of integers as codes of few bits: whole numbers in -levels..levels, by segments of rows.

A stored code stands for 128 + stride * code in memory. A segment is some rows one after the other
with the same levels and strides, of the embeddings and of the first order: a field's frequent rows,
its rare ones. The payload holds the codes, each plus the most levels that any segment has, column
after column, in the smaller `coding`:

    bytes   one a byte, left to zstandard around it
    rans    see `entropy`: one model a column and precision, so that every code takes as many bits
            as it tells
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from secateur.contracts import record
from secateur.contracts.errors import CorruptArtifact
from secateur.serving import entropy, packing

ZERO = 128  # the uint8 that stands for 0
MOST_LEVELS = 127

Bytes = NDArray[np.uint8]


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
    form: Literal[2] = 2


def pack(table: Bytes, segments: Sequence[Segment]) -> bytes:
    """Pack a table of [rows, dim + 1], whose values are multiples of its segments' strides."""
    rows, width = table.shape
    shape = _Shape(segments, width)
    whole = table.astype(np.int16) - ZERO
    codes = (whole // shape.strides + shape.levels).astype(np.uint8).T.ravel()
    coded = entropy.encode(codes, shape.contexts, shape.models, shape.alphabet)
    each = tuple(tuple(record.plain(segment).values()) for segment in segments)
    files = [
        packing.pack(record.plain(Header(rows, width, coding, each)), payload)  # type: ignore[arg-type]
        for coding, payload in (("bytes", codes.tobytes()), ("rans", coded))
    ]
    return min(files, key=len)


def unpack(header: dict[str, Any], payload: memoryview, rows: int, where: str) -> Bytes:
    """The table of as many `rows` as the schema promises. Raises CorruptArtifact."""
    found: Header = record.decode(Header, header, where)
    if found.rows != rows:
        raise CorruptArtifact(f"{where}: {found.rows} rows, the schema has {rows}")
    try:
        segments = [Segment(*numbers) for numbers in found.segments]
        if not all(s.is_sound for s in segments) or sum(s.rows for s in segments) != rows:
            raise ValueError("its segments make no table")
        if not 0 < found.width <= packing.LARGEST // rows:
            raise ValueError(f"width {found.width} makes no table")
        shape = _Shape(segments, found.width)
        codes = shape.read(found.coding, payload)
    except (ValueError, TypeError) as error:
        raise CorruptArtifact(f"{where}: {error}") from error
    centred = codes.reshape(found.width, rows).T.astype(np.int16) - shape.levels
    values = ZERO + centred * shape.strides
    if values.min() < 0 or values.max() > 255:
        raise CorruptArtifact(f"{where}: codes beyond the levels of their segments")
    return np.ascontiguousarray(values, np.uint8)


class _Shape:
    """What follows from the segments of a table of `width` columns."""

    def __init__(self, segments: Sequence[Segment], width: int) -> None:
        heights = [segment.rows for segment in segments]
        pairs = [(segment.levels, segment.first_levels) for segment in segments]
        kinds = sorted(set(pairs))
        kind = np.repeat([kinds.index(pair) for pair in pairs], heights).astype(np.uint16)
        columns = np.arange(width, dtype=np.uint16)[:, None] * np.uint16(len(kinds))
        self.contexts = (columns + kind).ravel()
        self.models = width * len(kinds)
        self.levels = max(map(max, pairs))
        self.alphabet = 2 * self.levels + 1
        strides = [[s.stride] * (width - 1) + [s.first_stride] for s in segments]
        self.strides = np.repeat(np.array(strides, np.int16), heights, axis=0)

    def read(self, coding: str, payload: memoryview) -> Bytes:
        """Codes, column after column."""
        if coding == "rans":
            return entropy.decode(payload, self.contexts, self.models, self.alphabet)
        codes = np.frombuffer(payload, np.uint8)
        if len(codes) != len(self.contexts):
            raise ValueError(f"{len(codes)} codes, expected {len(self.contexts)}")
        return codes

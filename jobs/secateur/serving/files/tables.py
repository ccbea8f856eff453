"""The packed table: one row an id of every field, with its embedding and its first-order weight.

In memory a table is [rows, dim + 1]: float32, or uint8 where 128 stands for 0. The last column
is the first-order weight. Stored, by what the header says:

    bits 32     the float32 values, row after row, little endian
    bits 8      the uint8 values, row after row
    bits 4      embeddings as nibbles (8 stands for 0), two a byte, the earlier one in the low half,
                row after row, padded to a whole byte; then the first-order column as uint8
    form 2      see `row_codes`: how integers are stored today

The second and third are read, but not written any more.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from secateur.contracts.errors import CorruptArtifact
from secateur.serving.files import compression, row_codes
from secateur.serving.files.row_codes import ZERO, Books, Segment

NIBBLE_ZERO = 8
BITS = (32, 8, 4)  # of tables without a form

Table = NDArray[np.float32] | NDArray[np.uint8]


def pack_table(
    table: Table,
    segments: Sequence[Segment] = (),
    words: NDArray[np.uint8] | None = None,
    books: Books = (),
) -> bytes:
    """Pack a table [rows, dim + 1] for `table.zst`: floats, or integers as `row_codes` says."""
    if segments:
        return row_codes.pack_codes(table.astype(np.uint8), segments, words, books)
    rows, width = table.shape
    return compression.pack(
        {"bits": 32, "rows": rows, "width": width}, table.astype("<f4").tobytes()
    )


def unpack_table(data: bytes, rows: int, where: str) -> Table:
    """Read a table of as many `rows` as the schema promises. Raises CorruptArtifact."""
    header, payload = compression.unpack(data, where)
    if compression.form_of(header, where) == 2:
        return row_codes.unpack_codes(header, payload, rows, where)
    bits, width = _shape(header, rows, where)
    size = {32: 4 * rows * width, 8: rows * width, 4: (rows * (width - 1) + 1) // 2 + rows}[bits]
    if len(payload) != size:
        raise CorruptArtifact(f"{where}: {len(payload)} bytes of rows, its header means {size}")
    if bits == 4:
        return _from_nibbles(np.frombuffer(payload, np.uint8), rows, width)
    if bits == 8:
        return np.frombuffer(payload, np.uint8).reshape(rows, width)
    return np.frombuffer(payload, "<f4").reshape(rows, width)


def _shape(header: dict[str, Any], rows: int, where: str) -> tuple[int, int]:
    bits, width = header.get("bits"), header.get("width")
    if bits not in BITS or not isinstance(width, int) or width < 1:
        raise CorruptArtifact(f"{where}: bits {bits!r} and width {width!r} make no table")
    if header.get("rows") != rows:
        raise CorruptArtifact(f"{where}: {header.get('rows')} rows, the schema has {rows}")
    return bits, width


def _from_nibbles(stored: NDArray[np.uint8], rows: int, width: int) -> NDArray[np.uint8]:
    packed, first_order = stored[:-rows], stored[-rows:]
    flat = np.stack([packed & 15, packed >> 4], axis=1).ravel()[: rows * (width - 1)]
    table = np.empty((rows, width), np.uint8)
    table[:, :-1] = flat.reshape(rows, width - 1) + np.uint8(ZERO - NIBBLE_ZERO)
    table[:, -1] = first_order
    return table

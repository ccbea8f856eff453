"""The packed table: one row an id of every field, with its embedding and its first-order weight.

In memory a table is [rows, dim + 1]: float32, or uint8 where 128 stands for 0. The last column
is the first-order weight. Stored, by what the header says:

    bits 32     the float32 values, row after row, little endian
    bits 8      the uint8 values, row after row
    bits 4      embeddings as nibbles (8 stands for 0), two a byte, the earlier one in the low half,
                row after row, padded to a whole byte; then the first-order column as uint8
    form 2      see `row_codes`: how integers are stored today

The second and third are read, but not written any more.

A large table of floats is stored as it is, in numpy's own format, and memory-mapped: of one larger
than memory the rows are read that requests ask for, and of one of which a few rows changed a new
release sends these. Compressed, it has 8 % fewer bytes, and neither goes. One whose rows repeat,
such as those that training hardly saw, shrinks by far more and stays compressed, lest a package and
every ratio to a dense one grow.
"""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from secateur.contracts.errors import CorruptArtifact
from secateur.serving.files import compression, row_codes
from secateur.serving.files.row_codes import ZERO, Books, Segment

NIBBLE_ZERO = 8
BITS = (32, 8, 4)  # of tables without a form

MAPPED_BYTES = 8 << 20  # from which on a table of floats is stored as it is
MAPPED_SHARE = 0.8  # of its bytes, which it must have at least when compressed
_SAMPLE_ROWS = 4096  # that tell how far a table shrinks

Table = NDArray[np.float32] | NDArray[np.uint8]


def is_mapped(table: Table) -> bool:
    """Whether a table is stored as it is: large floats that hardly shrink."""
    if table.dtype != np.float32 or table.nbytes < MAPPED_BYTES:
        return False
    sample = table[:: -(-len(table) // _SAMPLE_ROWS)].tobytes()
    return len(compression.compress(sample)) >= MAPPED_SHARE * len(sample)


def mapped_start(table: Table) -> int:
    """The byte at which a table's first value lies in its file."""
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, np.lib.format.header_data_from_array_1_0(table))
    return head.tell()


def write_mapped(path: Path, table: Table) -> None:
    """Write a table of floats as it is."""
    with path.open("wb") as file:
        np.lib.format.write_array(file, table, version=(1, 0), allow_pickle=False)


def map_table(path: Path, rows: int) -> Table:
    """A table of as many `rows` as the schema promises, where it lies. Raises CorruptArtifact."""
    try:
        found: Table = np.load(path, mmap_mode="r", allow_pickle=False).view(np.ndarray)
    except Exception as error:  # whatever Python's tokenizer says of numpy's header, too
        raise CorruptArtifact(f"{path} is no table: {error}") from error
    is_table = found.ndim == 2 and found.shape[1] > 0 and found.flags.c_contiguous
    if found.dtype != np.dtype("<f4") or not is_table:
        raise CorruptArtifact(f"{path}: {found.dtype} of {found.shape} make no table")
    if len(found) != rows:
        raise CorruptArtifact(f"{path}: {len(found)} rows, the schema has {rows}")
    return found


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

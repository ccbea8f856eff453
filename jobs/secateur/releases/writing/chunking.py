"""Where large files are cut: at content, so that what did not change keeps its chunks.

A cut lies where a hash of the last 8 bytes happens to be small. Bytes that are inserted, removed or
changed move the cuts beside them and no others. The rule is FastCDC's (Xia et al., USENIX ATC
2016): a least and a largest chunk, and a harder condition below the normal size than above it,
which keeps most chunks near that size. Its gear hash goes byte by byte; ours is a multiplication,
whose high bits depend on all bytes, and is computed for a whole block at once.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from secateur.artifacts import demand_file
from secateur.contracts.errors import CorruptArtifact
from secateur.contracts.manifest import Chunk, FileEntry

NORMAL_BYTES, LARGEST_NORMAL = 1 << 16, 1 << 22  # of a chunk, by the size of its file
FEW_CHUNKS = 1 << 7  # each is a request: until they are of the largest size, a file has few
SPREAD = 4  # a chunk has at least a 4th of the normal size, and at most 4 times it

_WINDOW = 8  # bytes that a hash depends on
_BLOCK = 1 << 19  # bytes that are hashed at once: they stay in the cache
_FLIP, _ODD = np.uint64(0x5EC47E0FC0FFEE11), np.uint64(0x9E3779B97F4A7C15)  # no bytes give 0

Places = NDArray[np.int64]
_NONE: Places = np.empty(0, np.int64)


def is_large(entry: FileEntry) -> bool:
    """Whether a file is large enough for chunks."""
    return entry.bytes > SPREAD * normal_bytes(entry.bytes)


def chunks_of(folder: Path, entry: FileEntry) -> Iterator[tuple[Chunk, bytes]]:
    """The chunks of a file below `folder`, one after the other, and their bytes.

    Of an entry that has chunks these are they. The same bytes give the same chunks. Raises
    CorruptArtifact where the file has other bytes than the entry says, as soon as that is seen.
    """
    path, whole, start = demand_file(folder, entry), hashlib.sha256(), 0
    known = [chunk.bytes for chunk in entry.chunks]
    with path.open("rb") as file:
        for number, length in enumerate(
            known or _lengths(path, entry.bytes, normal_bytes(entry.bytes))
        ):
            data = file.read(length)
            chunk = Chunk(hashlib.sha256(data).hexdigest(), length)
            if known and chunk != entry.chunks[number]:
                raise CorruptArtifact(f"{path}: its bytes differ from its manifest at {start:,}")
            whole.update(data)
            start += length
            yield chunk, data
    if whole.hexdigest() != entry.sha256:
        raise CorruptArtifact(f"{path}: its bytes differ from its manifest ({entry.sha256[:12]})")


def normal_bytes(size: int) -> int:
    """The normal size of the chunks of a file of so many bytes: a power of 2."""
    normal = NORMAL_BYTES
    while size > normal * FEW_CHUNKS and normal < LARGEST_NORMAL:
        normal *= 2
    return normal


def _lengths(path: Path, size: int, normal: int) -> Iterator[int]:
    """The lengths of the chunks of a file; where it may be cut is known as far as a chunk goes."""
    blocks, hard, easy, seen = _allowed_ends(path, normal), _NONE, _NONE, 0
    start, least, most = 0, normal // SPREAD, normal * SPREAD
    while size - start > least:
        while seen < min(start + most, size):
            seen, more_hard, more_easy = next(blocks, (size, _NONE, _NONE))  # or it is shorter now
            hard, easy = np.append(hard, more_hard), np.append(easy, more_easy)
        end = (
            _first(hard, start + least, start + normal)
            or _first(easy, start + normal, start + most)
            or min(start + most, size)
        )
        yield end - start
        start, hard, easy = end, hard[hard > end], easy[easy > end]
    if start < size:
        yield size - start


def _first(places: Places, low: int, high: int) -> int | None:
    """The first of the rising `places` [n] in low..high - 1."""
    at = int(np.searchsorted(places, low))
    return int(places[at]) if at < len(places) and places[at] < high else None


def _allowed_ends(path: Path, normal: int) -> Iterator[tuple[int, Places, Places]]:
    """Block after block where it ends, the ends [n] of chunks that are allowed below the normal
    size, and the more [m] that are beyond it."""
    bits = normal.bit_length() - 1
    rare, common = np.uint64(1 << 64 - bits - 2), np.uint64(1 << 64 - bits + 2)
    at, before = 0, b""
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            found, hashes = _below(before + block, common)
            ends = found + at - len(before) + _WINDOW
            at, before = at + len(block), (before + block)[1 - _WINDOW :]
            yield at, ends[hashes < rare], ends


def _below(data: bytes, bound: np.uint64) -> tuple[Places, NDArray[np.uint64]]:
    """Where [n], rising, the 8 bytes of `data` begin whose hash is below `bound`, and these [n]."""
    places, hashes = [_NONE], [np.empty(0, np.uint64)]
    for first in range(min(_WINDOW, len(data) - _WINDOW + 1)):
        words = np.frombuffer(data, "<u8", (len(data) - first) // _WINDOW, first)
        hashed = hashes_of(words)
        found = np.flatnonzero(hashed < bound)
        places.append(found * _WINDOW + first)
        hashes.append(hashed[found])
    order = np.argsort(joined := np.concatenate(places), kind="stable")
    return joined[order], np.concatenate(hashes)[order]


def hashes_of(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """A hash [n] of each of `words` [n], 8 bytes in little endian: its high bits are the mixed."""
    return (words ^ _FLIP) * _ODD

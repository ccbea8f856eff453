"""Where large files are cut: at content, so that what did not change keeps its chunks.

A cut lies where a hash of the last 32 bytes happens to be small. Bytes that are inserted, removed
or changed move the cuts beside them and no others. This is FastCDC (Xia et al., USENIX ATC 2016):
the gear hash, a least and a largest chunk, and a harder condition below the normal size than above
it, which keeps most chunks near that size. The hash is computed for a whole block at once, by
doubling: H_2n[i] = H_n[i] + 2^n H_n[i - n].
"""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from secateur.artifacts import demand_file
from secateur.contracts.errors import CorruptArtifact
from secateur.contracts.manifest import Chunk, FileEntry
from secateur.contracts.releases import ReleaseManifest

NORMAL_BYTES = 1 << 16  # of a chunk
LARGEST_NORMAL = 1 << 22
MOST_CHUNKS = 1 << 13  # of a file, about: a larger one has larger chunks
SPREAD = 4  # a chunk has at least a 4th of the normal size, and at most 4 times it

_WINDOW = 32  # bytes that a hash depends on, one for each of its bits
_BLOCK = 1 << 18  # bytes that are hashed at once: they and their hashes stay in the cache
_READ = 1 << 20
_GEAR = np.frombuffer(hashlib.shake_128(b"secateur: gear").digest(4 * 256), "<u4").astype(np.uint32)

Places = NDArray[np.int64]
_NONE: Places = np.empty(0, np.int64)


def cut_files(draft: ReleaseManifest, folder: Path) -> ReleaseManifest:
    """The draft of a release whose large files, which lie in `folder`, are cut into chunks.

    Raises CorruptArtifact as `cut_file` does.
    """
    files = tuple(cut_file(folder, entry) for entry in draft.files)
    has_chunks = any(entry.chunks for entry in files)
    return replace(draft, files=files, format=2 if has_chunks else 1)


def cut_file(folder: Path, entry: FileEntry) -> FileEntry:
    """The entry with its chunks, or as it is where it is too small to be cut.

    The same bytes give the same chunks. Raises CorruptArtifact where the file has other bytes than
    the entry says.
    """
    path, normal = demand_file(folder, entry), normal_bytes(entry.bytes)
    if entry.bytes <= SPREAD * normal:
        return entry
    chunks, whole = [], hashlib.sha256()
    with path.open("rb") as file:
        for length in _lengths(path, entry.bytes, normal):
            digest = hashlib.sha256()
            for start in range(0, length, _READ):
                part = file.read(min(_READ, length - start))
                digest.update(part)
                whole.update(part)
            chunks.append(Chunk(digest.hexdigest(), length))
    if whole.hexdigest() != entry.sha256:
        raise CorruptArtifact(f"{path}: its bytes differ from its manifest ({entry.sha256[:12]})")
    return replace(entry, chunks=tuple(chunks))


def normal_bytes(size: int) -> int:
    """The normal size of the chunks of a file of so many bytes: a power of 2."""
    normal = NORMAL_BYTES
    while size > normal * MOST_CHUNKS and normal < LARGEST_NORMAL:
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
    rare, common = np.uint32(1 << 32 - bits - 2), np.uint32(1 << 32 - bits + 2)
    at, before = 0, b""
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            hashes = gear_hashes(np.frombuffer(before + block, np.uint8))[len(before) :]
            found = np.flatnonzero(hashes < common)
            ends = found + at + 1
            at, before = at + len(block), block[1 - _WINDOW :]
            yield at, ends[hashes[found] < rare], ends


def gear_hashes(data: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """Uint32 [n]: at each byte of `data` [n] the sum of gear[byte j before] * 2^j, j = 0..31."""
    hashes = _GEAR[data]
    distance = 1
    while distance < _WINDOW:
        hashes[distance:] += hashes[:-distance] << np.uint32(distance)
        distance *= 2
    return hashes

"""Where large files are cut: at content, so that what did not change keeps its chunks.

A cut lies where a hash of the last 8 bytes happens to be small. Bytes that are inserted, removed or
changed move the cuts beside them and no others. The rule is FastCDC's (Xia et al., USENIX ATC
2016): a least and a largest chunk, and a harder condition below the normal size than above it,
which keeps most chunks near that size. Its gear hash goes byte by byte; ours is a multiplication,
whose high bits depend on all bytes, and is computed for a whole block at once.
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

NORMAL_BYTES = 1 << 16  # of a chunk, at least
FEW_CHUNKS, LARGE_NORMAL = 1 << 7, 1 << 21  # each is a request: chunks grow first, to 2 MiB
MOST_CHUNKS, LARGEST_NORMAL = 1 << 13, 1 << 22  # of a file, about: then they grow anew
SPREAD = 4  # a chunk has at least a 4th of the normal size, and at most 4 times it

_WINDOW = 8  # bytes that a hash depends on
_BLOCK = 1 << 18  # bytes that are hashed at once: they stay in the cache
_READ = 1 << 20
_FLIP, _ODD = np.uint64(0x5EC47E0FC0FFEE11), np.uint64(0x9E3779B97F4A7C15)  # no bytes give 0

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
    for chunks, largest in ((FEW_CHUNKS, LARGE_NORMAL), (MOST_CHUNKS, LARGEST_NORMAL)):
        while size > normal * chunks and normal < largest:
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

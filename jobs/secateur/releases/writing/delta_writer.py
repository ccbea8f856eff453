"""Make the delta of a release from the one that its channel serves."""

import logging
import tempfile
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from secateur.artifacts import path_below
from secateur.contracts.errors import PreconditionFailed, SecateurError
from secateur.contracts.manifest import Chunk, FileEntry
from secateur.contracts.releases import ReleaseManifest
from secateur.releases import layout
from secateur.releases.catalogue import Release
from secateur.releases.deltas.patches import (
    MOST_BASES,
    Patch,
    blobs_of,
    head_of,
    make_patch,
    starts_of,
)
from secateur.releases.writing import chunking
from secateur.storage import Store

log = logging.getLogger("secateur.releases")

WORTH = 0.8  # at most, of the bytes that a reader would fetch without
_PART_BYTES = 1 << 20
SAMPLE = 16  # blobs of a file that are tried first
_REMEMBERED = 4  # blobs that the next patch may need too


def put_delta(store: Store, before: Release | None, release: Release, folder: Path) -> None:
    """Write the delta of `release`, whose files lie in `folder`, from the one `before` it.

    A release is as good without: none is written where it is not worth it, and what goes wrong is
    logged, and never raised.
    """
    if before is None or before.manifest.number == release.manifest.number:
        return
    try:
        _write(store, before, release.manifest, folder)
    except PreconditionFailed:
        pass  # an earlier attempt wrote it
    except (SecateurError, OSError) as error:
        log.warning("release %d has no delta: %s", release.manifest.number, error)


def _write(store: Store, before: Release, manifest: ReleaseManifest, folder: Path) -> None:
    """Some blobs are in memory at a time; the patches are in a file."""
    with tempfile.TemporaryDirectory(prefix="secateur-") as scratch:
        payload, whole = Path(scratch) / "patches", Path(scratch) / "delta"
        with payload.open("wb") as file:
            patches = list(_patches(store, before.manifest, manifest, folder, file))
        instead, blobs = _blobs_not_in(before.manifest, manifest), blobs_of(manifest)
        saved = sum(blobs[patch.blob].bytes - patch.bytes for patch in patches)
        if saved <= (1 - WORTH) * instead:
            return
        with whole.open("wb") as file, payload.open("rb") as parts:
            file.write(head_of(before.sha256, patches))
            while part := parts.read(_PART_BYTES):
                file.write(part)
        store.put_file(layout.delta_key(manifest.number), whole, new=True)
        log.info("delta of %d bytes; without, %d", whole.stat().st_size, instead)


def _blobs_not_in(before: ReleaseManifest, manifest: ReleaseManifest) -> int:
    """Bytes that a reader of the release before lacks."""
    known = {blob for entry in before.files for blob in entry.blobs}
    return sum(b.bytes for b in {b for e in manifest.files for b in e.blobs} - known)


def _patches(
    store: Store, before: ReleaseManifest, manifest: ReleaseManifest, folder: Path, file: BinaryIO
) -> Iterator[Patch]:
    """The patches of all blobs that are new and small enough, written to `file`."""
    old = {entry.path: (entry, first) for entry, first in _files_by_number(before)}
    known = {blob for entry in before.files for blob in entry.blobs}
    for entry, number in _files_by_number(manifest):
        if entry.path not in old:
            continue
        was, first = old[entry.path]
        wanted = {n: bases for n, bases in _Alignment(was).bases(entry) if bases}
        wanted = {n: b for n, b in wanted.items() if _is_new_and_small(entry.blobs[n], known)}
        make = _Maker(entry, path_below(folder, entry.path), _reader(store, was))
        if not _is_promising(make, wanted):
            continue
        for place, bases in wanted.items():
            blob = entry.blobs[place]
            patch = b"" if blob in known else make.patch(place, bases)
            if patch and len(patch) < WORTH * blob.bytes:
                known.add(blob)
                file.write(patch)
                yield Patch(number + place, first + bases.start, len(bases), len(patch))


def _is_new_and_small(blob: Chunk, known: Collection[Chunk]) -> bool:
    return blob not in known and blob.bytes <= layout.CHUNK_LIMIT


class _Maker:
    """Makes the patches of a file's blobs."""

    def __init__(self, entry: FileEntry, path: Path, read_old: Callable[[int], bytes]) -> None:
        self.entry, self._path = entry, path
        self._starts = starts_of(entry.blobs)
        self._read_old = lru_cache(maxsize=_REMEMBERED)(read_old)

    def patch(self, place: int, bases: range) -> bytes:
        """Of the blob at `place`, from these blobs of the file as it was before."""
        with self._path.open("rb") as source:
            source.seek(self._starts[place])
            data = source.read(self.entry.blobs[place].bytes)
        return make_patch(data, b"".join(map(self._read_old, bases)))


def _is_promising(make: _Maker, wanted: Mapping[int, range]) -> bool:
    """Whether patches of some blobs, which lie all over the file, are worth it together."""
    if len(wanted) <= SAMPLE:
        return True
    places = list(wanted)[:: -(-len(wanted) // SAMPLE)]
    made = sum(len(make.patch(place, wanted[place])) for place in places)
    return made < WORTH * sum(make.entry.blobs[place].bytes for place in places)


def _reader(store: Store, entry: FileEntry) -> Callable[[int], bytes]:
    def read(place: int) -> bytes:
        blob = entry.blobs[place]
        return store.get(layout.blob_key(blob.sha256), blob.bytes).data

    return read


def _files_by_number(manifest: ReleaseManifest) -> Iterator[tuple[FileEntry, int]]:
    """Files, and the number of each one's first blob among all."""
    number = 0
    for entry in manifest.files:
        yield entry, number
        number += len(entry.blobs)


@dataclass(frozen=True)
class _Alignment:
    """Where the bytes of a file's new blobs were in `was`, the file as it was before.

    After a blob that is in both, what follows was behind it before, too; elsewhere as far on in
    proportion.
    """

    was: FileEntry

    def bases(self, entry: FileEntry) -> Iterator[tuple[int, range]]:
        """Of each blob of `entry` the blobs of `was` that lie where it may have been, if any."""
        starts = starts_of(self.was.blobs)
        places: dict[Chunk, int] = dict(zip(self.was.blobs, starts, strict=False))
        at, pace = 0.0, self.was.bytes / max(entry.bytes, 1)
        for number, blob in enumerate(entry.blobs):
            if blob in places:
                at = places[blob] + blob.bytes
                yield number, range(0)
                continue
            yield number, self._around(starts, int(at), int(at) + blob.bytes)
            at += blob.bytes * pace

    def _around(self, starts: list[int], low: int, high: int) -> range:
        """The blobs of low..high - 1, and of a blob's length on either side."""
        margin = max(high - low, chunking.NORMAL_BYTES)
        first = max(0, bisect_right(starts, low - margin) - 1)
        end = min(bisect_left(starts, high + margin), len(starts) - 1, first + MOST_BASES)
        length = starts[end] - starts[first] if end > first else 0
        return range(first, end) if 0 < length <= 2 * layout.CHUNK_LIMIT else range(0)

"""Send the blobs of a release: what the store has is read back and dated anew, not sent again."""

import hashlib
import logging
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from secateur.artifacts import demand_file, verify_file
from secateur.contracts.errors import (
    ObjectMissing,
    PreconditionFailed,
    ReleaseError,
    StoreError,
)
from secateur.contracts.manifest import Chunk, FileEntry
from secateur.display.progress import advance_progress, progress_of
from secateur.releases import layout
from secateur.releases.catalogue import read_until_believed
from secateur.releases.writing.chunking import chunks_of, is_large, normal_bytes
from secateur.storage import Store, Tagged
from secateur.storage.ahead import as_many_as_fit, some_at_a_time

log = logging.getLogger("secateur.releases")

ATTEMPTS = 1000
WHOLE_BYTES = 1 << 20  # of a blob that is held in memory at once


def put_blobs(
    store: Store,
    folder: Path,
    files: Sequence[FileEntry],
    before: Sequence[FileEntry] = (),
    *,
    is_new: bool = True,
) -> tuple[FileEntry, ...]:
    """Have every blob of a release's files, which lie in `folder`, in the store, or dated anew.

    Gives the files with their chunks: a large one of a new release is cut while it is sent, and
    those of a release that is there stay as they are. Dated anew, so that no sweep takes a blob for
    old. Chunks of `before`, the files of a release that is there, are looked for first; others are
    sent without a look. Raises ReleaseError where the store has other bytes under a blob's name,
    CorruptArtifact where a file differs from its entry.
    """
    likely = {chunk for entry in before for chunk in entry.chunks}
    put = []
    with progress_of(f"publishing {folder.name}", sum(entry.bytes for entry in files)):
        for entry in files:
            if entry.chunks or (is_new and is_large(entry)):
                chunks = tuple(_put_chunks(store, folder, entry, likely))
                put.append(replace(entry, chunks=chunks))
            else:
                _put_blob(store, folder, entry)
                put.append(entry)
    return tuple(put)


def _put_blob(store: Store, folder: Path, entry: FileEntry) -> None:
    path, key = demand_file(folder, entry), layout.blob_key(entry.sha256)

    def renew() -> None:
        verify_file(folder, entry)
        _renew(store, key, path, entry)
        advance_progress(entry.bytes)

    def write() -> None:
        store.put_file(key, path, new=True, sha256=entry.sha256)

    # A large one is not sent for nothing.
    _until_it_stays(store, key, write, renew, is_new=entry.bytes <= WHOLE_BYTES)


def _put_chunks(
    store: Store, folder: Path, entry: FileEntry, likely: Collection[Chunk]
) -> Iterator[Chunk]:
    """The chunks of a file, some of which are sent at a time: no more of it is in memory."""
    seen: set[Chunk] = set()

    def put(found: tuple[Chunk, bytes]) -> tuple[Chunk, int]:
        chunk, data = found
        if chunk in seen:
            return chunk, 0
        seen.add(chunk)
        key = layout.blob_key(chunk.sha256)
        return chunk, _put_chunk(store, key, data, is_new=chunk not in likely)

    sent, most = 0, as_many_as_fit(normal_bytes(entry.bytes))
    for chunk, count in some_at_a_time(put, chunks_of(folder, entry), most):
        sent += count
        advance_progress(chunk.bytes)
        yield chunk
    log.info("%s: sent %d bytes of %d", entry.path, sent, entry.bytes)


def _put_chunk(store: Store, key: str, data: bytes, *, is_new: bool) -> int:
    """How many bytes were sent of a chunk: none where the store has it and that was asked."""
    sent = 0

    def write() -> None:
        nonlocal sent
        sent = len(data)
        store.put_new(key, data)

    def renew() -> None:
        found = _read_back(store, key, len(data), hashlib.sha256(data).hexdigest())
        store.renew(key, found.data, found.tag)

    _until_it_stays(store, key, write, renew, is_new=is_new)
    return sent


def _until_it_stays(
    store: Store, key: str, write: Callable[[], None], renew: Callable[[], None], *, is_new: bool
) -> None:
    """Write a blob, or renew one that is there; with `is_new` it is written without a look."""
    for _ in range(ATTEMPTS):
        if is_new or not store.exists(key):
            try:
                write()
                return
            except PreconditionFailed:
                pass
            except StoreError:
                if not store.exists(key):  # else it is written, and its answer was lost
                    raise
        try:
            renew()
            return
        except (ObjectMissing, PreconditionFailed):
            continue  # another publisher renewed it, or a sweep took it, since we looked
    raise StoreError(f"{store.uri}/{key} does not stay as it was written")


def _renew(store: Store, key: str, path: Path, entry: FileEntry) -> None:
    """Date a blob anew that is right. Raises ReleaseError for other bytes, ObjectMissing."""
    if entry.bytes <= WHOLE_BYTES:
        whole = _read_back(store, key, None, entry.sha256)
        store.renew(key, whole.data, whole.tag)
        return

    def read() -> str:
        digest = hashlib.sha256()
        for part in store.read_parts(key, entry.bytes):
            digest.update(part)
        return digest.hexdigest()

    read_until_believed(read, lambda found: _demand_named(store, key, found, entry.sha256))
    store.touch(key, path, entry.sha256)


def _read_back(store: Store, key: str, limit: int | None, sha256: str) -> Tagged:
    """A blob as the store has it. Raises ReleaseError for other bytes, ObjectMissing."""

    def believe(found: Tagged) -> Tagged:
        _demand_named(store, key, hashlib.sha256(found.data).hexdigest(), sha256)
        return found

    return read_until_believed(lambda: store.get(key, limit), believe)


def _demand_named(store: Store, key: str, found: str, sha256: str) -> None:
    if found != sha256:
        raise ReleaseError(f"{store.uri}/{key} holds other bytes than its name says")

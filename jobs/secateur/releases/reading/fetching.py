"""Copy blobs into a folder, hashed while they come; what a killed pull has copied is kept.

Of what changed since a release that lies here already no more is fetched than its chunks.
"""

import hashlib
import logging
import shutil
from collections import Counter
from pathlib import Path

from secateur.artifacts import path_below
from secateur.contracts.errors import CorruptArtifact, ObjectMissing, ReleaseError, StoreError
from secateur.contracts.manifest import Chunk, FileEntry
from secateur.contracts.releases import ReleaseManifest
from secateur.display.progress import advance_progress, progress_of
from secateur.releases import layout
from secateur.releases.catalogue import read_until_believed
from secateur.releases.reading.held_blobs import PART_BYTES, HeldBlobs
from secateur.storage import Store
from secateur.storage.ahead import as_many_as_fit, some_at_a_time

log = logging.getLogger("secateur.releases")

# At a blob that comes otherwise each time, as a wire may flip bits; and at one that comes the same.
ATTEMPTS, SAME_ATTEMPTS = 10, 3


def fetch_files(
    manifest: ReleaseManifest, store: Store, folder: Path, held: HeldBlobs | None = None
) -> None:
    """Have exactly the manifest's files in `folder`, each verified while it was read.

    Goes on with what lies there of an earlier attempt, and takes from `held` what it has. Raises
    ReleaseError where a blob is missing or differs from the manifest, StoreError where the disk is
    full: `folder` is gone then.
    """
    held = held or HeldBlobs()
    _drop_strangers(manifest, folder)
    with progress_of(f"copying {manifest.scenario} {manifest.number}", manifest.bytes):
        _fetch_all(manifest, store, folder, held)


def _fetch_all(manifest: ReleaseManifest, store: Store, folder: Path, held: HeldBlobs) -> None:
    for entry in manifest.files:
        path = path_below(folder, entry.path)
        where = f"{store.uri}/{layout.blob_key(entry.sha256)}"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if entry.chunks:
                _fetch_chunks(store, held, entry, path)
            elif not _copy(held, entry, path):
                _fetch(store, entry, path)
        except (ObjectMissing, CorruptArtifact) as error:
            raise ReleaseError(
                f"release {manifest.number}: {entry.path}: {where}: {error}"
            ) from error
        except OSError as error:
            shutil.rmtree(folder, ignore_errors=True)
            raise StoreError(f"{path}: {error.strerror or error}") from error


def _drop_strangers(manifest: ReleaseManifest, folder: Path) -> None:
    """Remove links, and files that the manifest does not name: the folder becomes the release."""
    wanted = {path_below(folder, entry.path) for entry in manifest.files}
    for path in folder.rglob("*"):
        if path.is_symlink() or (path.is_file() and path not in wanted):
            path.unlink()


def _fetch_chunks(store: Store, held: HeldBlobs, entry: FileEntry, path: Path) -> None:
    """One file of its chunks, after those that an earlier attempt left. Raises CorruptArtifact.

    Some chunks are fetched at a time; those that are on their way are all that is in memory. The
    file is hashed as a whole, and chunk by chunk where it is not right.
    """
    digest, left = _keep_whole_chunks(path, entry)
    advance_progress(entry.bytes - sum(chunk.bytes for chunk in left))
    fetched = 0

    def have(chunk: Chunk) -> tuple[bytes, int]:
        if (data := held.read(chunk)) is not None:
            return data, 0
        return _whole_chunk(store, chunk), chunk.bytes

    most = as_many_as_fit(entry.bytes // len(entry.chunks))
    with path.open("ab") as file:
        for data, came in some_at_a_time(have, left, most):
            file.write(data)
            digest.update(data)
            fetched += came
            advance_progress(len(data))
    if digest.hexdigest() != entry.sha256 and _mend(store, entry, path) != entry.sha256:
        path.unlink()
        raise CorruptArtifact(f"{path}: its chunks do not make the file of its manifest")
    log.info("%s: fetched %d bytes of %d", entry.path, fetched, entry.bytes)


def _mend(store: Store, entry: FileEntry, path: Path) -> str:
    """Fetch the chunks anew that lie wrong in the file; gives the sha256 of what is there then."""
    digest, start = hashlib.sha256(), 0
    with path.open("r+b") as file:
        for chunk in entry.chunks:
            data = file.read(chunk.bytes)
            if hashlib.sha256(data).hexdigest() != chunk.sha256:
                log.warning("%s: the bytes from %d on differ from the manifest", path, start)
                data = _chunk_of(store, chunk)
                file.seek(start)
                file.write(data)
            digest.update(data)
            start += len(data)
    return digest.hexdigest()


def _keep_whole_chunks(path: Path, entry: FileEntry) -> tuple["hashlib._Hash", tuple[Chunk, ...]]:
    """Cut what lies at `path` after its last right chunk; its sha256, and the chunks to come."""
    digest, right = hashlib.sha256(), 0
    path.touch()
    with path.open("r+b") as file:
        for number, chunk in enumerate(entry.chunks):
            data = file.read(chunk.bytes)
            if hashlib.sha256(data).hexdigest() != chunk.sha256:
                file.truncate(right)
                return digest, entry.chunks[number:]
            digest.update(data)
            right += len(data)
        file.truncate(right)
    return digest, ()


def _whole_chunk(store: Store, chunk: Chunk) -> bytes:
    """As many bytes as a chunk has, not hashed yet. Raises as `_chunk_of`."""
    data = store.get(layout.blob_key(chunk.sha256), chunk.bytes).data
    return data if len(data) == chunk.bytes else _chunk_of(store, chunk)


def _chunk_of(store: Store, chunk: Chunk) -> bytes:
    """The bytes of a chunk. Raises ReleaseError where the store has others, ObjectMissing."""
    key = layout.blob_key(chunk.sha256)

    def believe(data: bytes) -> bytes:
        if hashlib.sha256(data).hexdigest() != chunk.sha256:
            raise ReleaseError(f"{store.uri}/{key}: {len(data)} bytes differ from its name")
        return data

    return read_until_believed(lambda: store.get(key, chunk.bytes).data, believe)


def _copy(held: HeldBlobs, entry: FileEntry, path: Path) -> bool:
    """Copy a whole file that lies here already; tell whether it was here."""
    (blob,) = entry.blobs
    if path.exists() or not held.has(blob):
        return False
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for part in held.parts(blob):
            file.write(part)
            digest.update(part)
            advance_progress(len(part))
    if digest.hexdigest() != entry.sha256:
        path.unlink()
    return digest.hexdigest() == entry.sha256


def _fetch(store: Store, entry: FileEntry, path: Path) -> None:
    """One blob into `path`, from where an earlier attempt ended. Raises CorruptArtifact."""
    size, refused = 0, Counter[str]()
    for _ in range(ATTEMPTS):
        digest, size = _hashed_so_far(path, entry.bytes)
        advance_progress(size)
        with path.open("ab") as file:
            for part in store.read_parts(layout.blob_key(entry.sha256), entry.bytes, size):
                file.write(part)
                digest.update(part)
                size += len(part)
                advance_progress(len(part))
        if size == entry.bytes and digest.hexdigest() == entry.sha256:
            return
        log.warning("%s: %d bytes differ from the manifest", path, size)
        path.unlink()
        refused[digest.hexdigest()] += 1
        if refused[digest.hexdigest()] == SAME_ATTEMPTS:
            break  # so it lies in the store
    raise CorruptArtifact(f"{path}: {size} bytes differ from its manifest ({entry.bytes})")


def _hashed_so_far(path: Path, size: int) -> tuple["hashlib._Hash", int]:
    """The running sha256 of what lies at `path` already, and how many bytes that are."""
    digest, found = hashlib.sha256(), 0
    if path.exists() and path.stat().st_size > size:
        path.unlink()
    if path.exists():
        with path.open("rb") as file:
            while part := file.read(PART_BYTES):
                digest.update(part)
                found += len(part)
    return digest, found

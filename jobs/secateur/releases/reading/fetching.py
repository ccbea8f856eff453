"""Copy blobs into a folder, hashed while they come; what a killed pull has copied is kept."""

import hashlib
import logging
import shutil
from collections import Counter
from pathlib import Path

from secateur.artifacts import path_below
from secateur.contracts.errors import CorruptArtifact, ObjectMissing, ReleaseError, StoreError
from secateur.contracts.manifest import FileEntry
from secateur.contracts.releases import ReleaseManifest
from secateur.releases import layout
from secateur.storage import Store

log = logging.getLogger("secateur.releases")

# At a blob that comes otherwise each time, as a wire may flip bits; and at one that comes the same.
ATTEMPTS, SAME_ATTEMPTS = 10, 3
CHUNK_BYTES = 1 << 20


def fetch_files(manifest: ReleaseManifest, store: Store, folder: Path) -> None:
    """Have exactly the manifest's files in `folder`, each verified while it was read.

    Goes on with what lies there of an earlier attempt. Raises ReleaseError where a blob is missing
    or differs from the manifest, StoreError where the disk is full: `folder` is gone then.
    """
    _drop_strangers(manifest, folder)
    for entry in manifest.files:
        path = path_below(folder, entry.path)
        where = f"{store.uri}/{layout.blob_key(entry.sha256)}"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
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


def _fetch(store: Store, entry: FileEntry, path: Path) -> None:
    """One blob into `path`, from where an earlier attempt ended. Raises CorruptArtifact."""
    size, refused = 0, Counter[str]()
    for _ in range(ATTEMPTS):
        digest, size = _hashed_so_far(path, entry.bytes)
        with path.open("ab") as file:
            for part in store.read_parts(layout.blob_key(entry.sha256), entry.bytes, size):
                file.write(part)
                digest.update(part)
                size += len(part)
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
            while part := file.read(CHUNK_BYTES):
                digest.update(part)
                found += len(part)
    return digest, found

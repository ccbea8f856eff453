"""Releases on the reader's disk, each copied once and verified whenever it is asked for."""

import contextlib
import fcntl
import hashlib
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from secateur.artifacts import verify_file
from secateur.contracts import record
from secateur.contracts.errors import CorruptArtifact, NewerFormat, ObjectMissing
from secateur.contracts.releases import ReleaseManifest
from secateur.display.progress import advance_progress, progress_of
from secateur.releases.catalogue import Release
from secateur.releases.reading.believed import BelievedPointers
from secateur.releases.reading.delta_reader import patch_blobs
from secateur.releases.reading.fetching import fetch_files
from secateur.releases.reading.held_blobs import HeldBlobs
from secateur.storage import FileStore, Store
from secateur.storage.local import TEMPORARY

log = logging.getLogger("secateur.releases")

KEPT_S = 30 * 24 * 3600.0  # a release that nobody pulls
MANY, KEPT_OF_MANY_S = 8, 24 * 3600.0  # of those used before the last so many
LEFTOVER_S = 3600.0  # what a crash leaves
LOOKED_IN = 3  # releases used last, for blobs that a new one has too


def default_root() -> Path:
    """`$XDG_CACHE_HOME/secateur`, or `~/.cache/secateur`."""
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "secateur"


class Cache:
    """What one reader keeps of one scenario's store, in a folder named by the store's address.

    channels/            the newest pointers believed, see `believed`
    manifests/<sha256>   of the releases held
    releases/<sha256>/   verified files
    partial/<sha256>/    those of a pull that goes on, or was killed
    locks/<sha256>       held while a release is copied: other releases do not wait
    """

    def __init__(self, root: Path, store: Store) -> None:
        name = hashlib.sha256(store.address.encode()).hexdigest()[:16]
        self.root = root / f"{store.uri.rsplit('/', 1)[-1]}-{name}"
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._files = FileStore(self.root)
        self.pointers = BelievedPointers(self._files)

    def hold(self, release: Release, store: Store) -> Path:
        """The folder with a release's verified files, copied from `store` if it must be.

        Raises ReleaseError when a blob is missing or differs from the manifest.
        """
        folder = self.held_copy(release)
        if folder is None:
            with self._lock(release.sha256):
                # Whoever held the lock may have copied it.
                folder = self.held_copy(release) or self._copy(release, store)
        self._forget_unused(but=folder)
        return folder

    def held_copy(self, release: Release) -> Path | None:
        """The folder with a release's files, verified now, or None where they are not whole."""
        folder = self.root / "releases" / release.sha256
        if folder.exists() and _is_intact(folder, release.manifest):
            with contextlib.suppress(FileNotFoundError):  # another has put it aside
                os.utime(folder)
                return folder
        return None

    def manifest(self, sha256: str) -> bytes:
        """The bytes of a held release's manifest. Raises ObjectMissing."""
        return self._files.get(f"manifests/{sha256}").data

    def _copy(self, release: Release, store: Store) -> Path:
        folder = self.root / "releases" / release.sha256
        unfinished = self.root / "partial" / release.sha256
        unfinished.mkdir(parents=True, exist_ok=True)
        held = HeldBlobs(self._lately_held())
        with tempfile.TemporaryDirectory(prefix=TEMPORARY, dir=self.root) as patched:
            patch_blobs(release.manifest, store, self._files, held, Path(patched))
            fetch_files(release.manifest, store, unfinished, held)
        self._files.put(f"manifests/{release.sha256}", release.data)
        folder.parent.mkdir(exist_ok=True)
        # Where a damaged copy lies, a reader sees a whole one or none.
        with self._aside(folder):
            unfinished.rename(folder)
        return folder

    def _lately_held(self) -> Iterator[tuple[Path, ReleaseManifest]]:
        """The releases used last, whose blobs need not be fetched again."""
        folders = sorted((self.root / "releases").glob("*"), key=_age)
        for folder in folders[:LOOKED_IN]:
            with contextlib.suppress(ObjectMissing, CorruptArtifact, NewerFormat):
                yield folder, record.from_json(ReleaseManifest, self.manifest(folder.name))

    @contextlib.contextmanager
    def _lock(self, sha256: str, *, wait: bool = True) -> Iterator[None]:
        """One pull at a time a release. Raises BlockingIOError where it is held, without `wait`."""
        path = self.root / "locks" / sha256
        path.parent.mkdir(exist_ok=True)
        with path.open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            yield

    @contextlib.contextmanager
    def _aside(self, folder: Path) -> Iterator[None]:
        """Take a folder out of the way in one step, and delete it then."""
        with tempfile.TemporaryDirectory(
            prefix=TEMPORARY, dir=self.root, ignore_cleanup_errors=True
        ) as temporary:
            with contextlib.suppress(FileNotFoundError):
                folder.rename(Path(temporary) / "old")
            yield

    def _forget_unused(self, but: Path) -> None:
        """Delete releases that nobody has pulled for so long, and what killed pulls left.

        With a release an hour there are many soon: those that no channel served last go earlier.
        """
        served = self.pointers.releases()
        for place, folder in enumerate(sorted(self.root.glob("releases/*"), key=_age)):
            is_one_of_many = place >= MANY and folder.name not in served
            if folder != but and _age(folder) > (KEPT_OF_MANY_S if is_one_of_many else KEPT_S):
                self._unless_locked(folder.name, partial(self._forget, folder))
        for folder in self.root.glob("partial/*"):
            remove = partial(shutil.rmtree, folder, ignore_errors=True)
            self._unless_locked(folder.name, remove)
        for folder in self.root.glob(f"{TEMPORARY}*"):
            if _age(folder) > LEFTOVER_S:
                shutil.rmtree(folder, ignore_errors=True)

    def _forget(self, folder: Path) -> None:
        with self._aside(folder):
            (self.root / "manifests" / folder.name).unlink(missing_ok=True)

    def _unless_locked(self, sha256: str, forget: Callable[[], None]) -> None:
        with contextlib.suppress(OSError), self._lock(sha256, wait=False):  # another's, if locked
            forget()


def _age(path: Path) -> float:
    """Seconds since a folder was last used; 0 where it is gone."""
    with contextlib.suppress(FileNotFoundError):
        return time.time() - path.stat().st_mtime
    return 0.0


def _is_intact(folder: Path, manifest: ReleaseManifest) -> bool:
    expected = {folder / entry.path for entry in manifest.files}
    found = {path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()}
    try:
        with progress_of(f"verifying {manifest.scenario} {manifest.number}", manifest.bytes):
            for entry in manifest.files:
                verify_file(folder, entry)
                advance_progress(entry.bytes)
    except CorruptArtifact as error:
        log.warning("cached copy is damaged, copying again: %s", error)
        return False
    return found == expected

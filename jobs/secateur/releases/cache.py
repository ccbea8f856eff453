"""Releases on the reader's disk, and the newest pointer that it has believed."""

import contextlib
import fcntl
import hashlib
import logging
import os
import shutil
import tempfile
import time
from pathlib import Path

from secateur.artifacts import path_below, verify_file
from secateur.contracts import record
from secateur.contracts.errors import (
    CorruptArtifact,
    NewerFormat,
    ObjectMissing,
    PreconditionFailed,
    ReleaseError,
)
from secateur.contracts.releases import ReleaseManifest, SignedPointer
from secateur.releases import layout
from secateur.releases.catalogue import Release
from secateur.storage import FileStore, Store
from secateur.storage.local import TEMPORARY

log = logging.getLogger("secateur.releases")

KEPT_S = 30 * 24 * 3600.0
ATTEMPTS = 10
PULL_LOCK = ".pull-lock"


def default_root() -> Path:
    """`$XDG_CACHE_HOME/secateur`, or `~/.cache/secateur`."""
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "secateur"


class Cache:
    """What one reader keeps of one scenario's store: `channels/` and `releases/<sha256>/`.

    The folder is named by the store's address, so that two stores of one name do not mix.
    """

    def __init__(self, root: Path, store: Store) -> None:
        name = hashlib.sha256(store.address.encode()).hexdigest()[:16]
        self.root = root / f"{store.uri.rsplit('/', 1)[-1]}-{name}"
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._store = FileStore(self.root)

    def is_older(self, signed: SignedPointer) -> bool:
        """Tell whether a newer pointer of this channel has been believed already."""
        seen = self._last_believed(layout.pointer_key(signed.pointer.channel))
        return seen is not None and signed.pointer.epoch < seen[0].pointer.epoch

    def remember(self, signed: SignedPointer) -> None:
        """Believe this pointer, if it is not older than one believed before.

        Raises ReleaseError on a lower epoch, or on another pointer of the same epoch: somebody
        replays what was true once, or the store was replaced.
        """
        key = layout.pointer_key(signed.pointer.channel)
        for _ in range(ATTEMPTS):
            seen = self._last_believed(key)
            if seen is not None and _same_or_refused(seen[0], signed, self.root / key):
                return
            with contextlib.suppress(PreconditionFailed):
                if seen is None:
                    self._store.put_new(key, record.canonical_json(signed))
                else:
                    self._store.swap(key, record.canonical_json(signed), seen[1])
                return
        raise ReleaseError(f"{self.root / key} is being rewritten by {ATTEMPTS} others")

    def hold(self, release: Release, store: Store) -> Path:
        """The folder with a release's verified files, copied from `store` if it must be.

        Raises ReleaseError when a blob is missing or differs from the manifest.
        """
        folder = self.root / "releases" / release.sha256
        with (self.root / PULL_LOCK).open("w") as lock:
            # One pull at a time a cache: the second finds what the first has copied.
            fcntl.flock(lock, fcntl.LOCK_EX)
            self._forget_unused()
            if folder.exists() and _is_intact(folder, release.manifest):
                os.utime(folder)
                return folder
            with tempfile.TemporaryDirectory(prefix=TEMPORARY, dir=self.root) as temporary:
                _copy(release.manifest, store, Path(temporary) / "new")
                # Where a damaged copy lies, a reader sees a whole one or none.
                folder.parent.mkdir(exist_ok=True)
                if folder.exists():
                    folder.rename(Path(temporary) / "damaged")
                (Path(temporary) / "new").rename(folder)
        return folder

    def _last_believed(self, key: str) -> tuple[SignedPointer, str] | None:
        try:
            found = self._store.get(key)
            return record.from_json(SignedPointer, found.data), found.tag
        except ObjectMissing:
            return None
        except (CorruptArtifact, NewerFormat) as error:
            raise ReleaseError(f"{self.root / key} is damaged ({error}); delete it") from error

    def _forget_unused(self) -> None:
        """Delete releases and leftovers of crashes that nobody has pulled for KEPT_S seconds."""
        for path in (*self.root.glob("releases/*"), *self.root.glob(f"{TEMPORARY}*")):
            with contextlib.suppress(FileNotFoundError):
                if time.time() - path.stat().st_mtime > KEPT_S:
                    shutil.rmtree(path, ignore_errors=True)


def _same_or_refused(seen: SignedPointer, signed: SignedPointer, state: Path) -> bool:
    """True for the same pointer again, False for a newer one; raises ReleaseError else."""
    old, new = seen.pointer, signed.pointer
    if new.epoch > old.epoch or new == old:
        return new == old
    raise ReleaseError(
        f"channel {new.channel} offers epoch {new.epoch} (release {new.release}), but epoch "
        f"{old.epoch} (release {old.release}) was seen before: an old pointer was replayed, or "
        f"the store was replaced; if you replaced it, delete {state}"
    )


def _is_intact(folder: Path, manifest: ReleaseManifest) -> bool:
    expected = {folder / entry.path for entry in manifest.files}
    found = {path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()}
    try:
        for entry in manifest.files:
            verify_file(folder, entry)
    except CorruptArtifact as error:
        log.warning("cached copy is damaged, copying again: %s", error)
        return False
    return found == expected


def _copy(manifest: ReleaseManifest, store: Store, folder: Path) -> None:
    """Fetch every blob into `folder` and verify it there."""
    for entry in manifest.files:
        path = path_below(folder, entry.path)
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            path.write_bytes(store.get(layout.blob_key(entry.sha256), entry.bytes).data)
            verify_file(folder, entry)
        except (ObjectMissing, CorruptArtifact) as error:
            where = f"{store.uri}/{layout.blob_key(entry.sha256)}"
            raise ReleaseError(
                f"release {manifest.number}: {entry.path}: {where}: {error}"
            ) from error

"""A folder of the local file system as a `Store`."""

import contextlib
import fcntl
import hashlib
import os
import secrets
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from secateur.contracts.errors import ObjectMissing, PreconditionFailed, StoreError
from secateur.display.progress import advance_progress
from secateur.storage.store import (
    Store,
    StoredObject,
    Tagged,
    demand_key,
    demand_sha256,
    demand_size,
)

LOCK = ".lock"
TEMPORARY = ".tmp-"
PART_BYTES = 1 << 20


class FileStore(Store):
    """A folder as a store: atomic renames, hard links for `put_new`, a lock for `swap`."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.uri = self.address = self.root.as_uri()

    def get(self, key: str, limit: int | None = None) -> Tagged:
        """Read one object of at most `limit` bytes.

        Raises ObjectMissing where there is none, StoreError where it is larger.
        """
        with self._as_store_errors(key), _open_file(self.root / demand_key(key)) as file:
            demand_size(f"{self.uri}/{key}", os.fstat(file.fileno()).st_size, limit)
            data = file.read()
        return Tagged(data, hashlib.sha256(data).hexdigest())

    def read_parts(self, key: str, size: int, start: int = 0) -> Iterator[bytes]:
        """The bytes of an object of at most `size` bytes from `start` on, a part at a time.

        Raises ObjectMissing where there is none, StoreError where it is larger.
        """
        with self._as_store_errors(key), _open_file(self.root / demand_key(key)) as file:
            demand_size(f"{self.uri}/{key}", os.fstat(file.fileno()).st_size, size)
            file.seek(start)
            while part := file.read(PART_BYTES):
                yield part

    def put(self, key: str, data: bytes) -> None:
        """Write one object, replacing any."""
        with self._complete_file(key, (data,)) as temporary:
            temporary.replace(self.root / key)

    def put_new(self, key: str, data: bytes) -> None:
        """Write one object that must not exist. Raises PreconditionFailed."""
        with self._complete_file(key, (data,)) as temporary:
            (self.root / key).hardlink_to(temporary)

    def put_file(
        self, key: str, path: Path, *, new: bool = False, sha256: str | None = None
    ) -> None:
        """Write a file as one object; with `new` it must not exist.

        Raises PreconditionFailed, and CorruptArtifact where its bytes have not this `sha256`.
        """
        with self._complete_file(key, _hashed_parts(path, sha256)) as temporary:
            if new:
                (self.root / key).hardlink_to(temporary)
            else:
                temporary.replace(self.root / key)
        advance_progress(path.stat().st_size)

    def touch(self, key: str, path: Path, sha256: str | None = None) -> None:
        """Date an object as written now."""
        with self._as_store_errors(key):
            os.utime(self.root / demand_key(key))

    def renew(self, key: str, data: bytes, tag: str) -> None:
        """Date an object as written now."""
        self.touch(key, self.root / key)

    def swap(self, key: str, data: bytes, tag: str) -> None:
        """Replace the object whose tag is still `tag`. Raises PreconditionFailed."""
        with self._as_store_errors(key):
            self.root.mkdir(parents=True, exist_ok=True)
            lock = (self.root / LOCK).open("w")
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not self.exists(key) or self.get(key).tag != tag:
                raise PreconditionFailed(f"{self.uri}/{key} was changed by another writer")
            self.put(key, data)

    def exists(self, key: str) -> bool:
        """Tell whether an object lies under `key`."""
        return (self.root / demand_key(key)).is_file()

    def entries(self, prefix: str = "") -> Iterator[StoredObject]:
        """List the files whose keys start with `prefix`, sorted by key.

        A link to a folder below that of the prefix is not followed: what lies there is another's.
        """
        found = self._walk(prefix, links=False)
        return (one for one, mode in found if stat.S_ISREG(mode))

    def reachable(self, prefix: str = "") -> Iterator[StoredObject]:
        """The same, behind links to folders too, and with links to nothing.

        To get one of those raises ObjectMissing: so a reader misses it.
        """
        found = self._walk(prefix, links=True)
        return (one for one, mode in found if stat.S_ISREG(mode) or stat.S_ISLNK(mode))

    def _walk(self, prefix: str, *, links: bool) -> Iterator[tuple[StoredObject, int]]:
        """What is no folder, with its mode; a link's only where it leads to nothing."""
        base = self.root / prefix.rpartition("/")[0]
        names = (path.relative_to(self.root).as_posix() for path in _files_below(base, links))
        for key in sorted(name for name in names if name.startswith(prefix)):
            name = key.rsplit("/", 1)[-1]
            if name == LOCK or name.startswith(TEMPORARY):
                continue
            path = self.root / key
            with contextlib.suppress(FileNotFoundError):  # deleted since it was listed
                found = path.stat() if path.exists() else path.lstat()
                yield StoredObject(key, found.st_size, found.st_mtime), found.st_mode

    def delete(self, key: str) -> None:
        """Remove one object; a missing one is no error. Raises StoreError behind a link."""
        path = self.root / demand_key(key)
        self.demand_inside(path.parent)
        with self._as_store_errors(key), contextlib.suppress(FileNotFoundError):
            path.unlink()

    def demand_inside(self, folder: Path) -> None:
        """Insist that a folder lies below the root without a link between. Raises StoreError."""
        if folder.resolve() != self.root.resolve() / folder.relative_to(self.root):
            raise StoreError(f"{folder} lies behind a link: nothing is deleted there")

    @contextlib.contextmanager
    def _complete_file(self, key: str, parts: Iterable[bytes]) -> Iterator[Path]:
        """Give a whole, durable file in the folder of `key`, to be renamed or linked to it.

        The rename is made durable too.
        """
        folder = (self.root / demand_key(key)).parent
        temporary = folder / f"{TEMPORARY}{secrets.token_hex(8)}"
        with self._as_store_errors(key):
            folder.mkdir(parents=True, exist_ok=True)
            try:
                with temporary.open("xb") as file:
                    file.writelines(parts)
                    file.flush()
                    os.fsync(file.fileno())
                yield temporary
                _sync_folder(folder)
            finally:
                with contextlib.suppress(OSError):  # the first error is the one to tell
                    temporary.unlink(missing_ok=True)

    @contextlib.contextmanager
    def _as_store_errors(self, key: str) -> Iterator[None]:
        try:
            yield
        except FileExistsError as error:
            raise PreconditionFailed(f"{self.uri}/{key} exists already") from error
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
            raise ObjectMissing(f"{self.uri}/{key}: no such object") from error
        except OSError as error:
            raise StoreError(f"{self.uri}/{key}: {error.strerror}") from error


def _hashed_parts(path: Path, sha256: str | None) -> Iterator[bytes]:
    """The parts of a file; raises CorruptArtifact after the last where the hash is another."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(PART_BYTES):
            digest.update(part)
            yield part
    demand_sha256(path, digest, sha256)


def _open_file(path: Path) -> BinaryIO:
    """Open a file; anything else is none. A pipe that nobody writes to would wait for ever."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    if stat.S_ISREG(os.fstat(handle).st_mode):
        return os.fdopen(handle, "rb")
    os.close(handle)
    raise FileNotFoundError(path)


def _files_below(folder: Path, links: bool) -> Iterator[Path]:
    """Whatever is no folder below this one; with `links` behind links to folders too."""
    for where, folders, names in os.walk(folder, followlinks=links):
        folders[:] = [name for name in folders if not _leads_back(Path(where, name))]
        yield from (Path(where, name) for name in names)


def _leads_back(folder: Path) -> bool:
    """Whether it is a link to a folder that it lies in: to follow it would have no end."""
    above = (parent.resolve() for parent in folder.parents)
    return folder.is_symlink() and folder.resolve() in above


def _sync_folder(folder: Path) -> None:
    """Make a rename durable: without this a power cut may undo it."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

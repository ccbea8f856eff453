"""What every store promises: bytes under keys, with the conditional writes releases stand on.

Both stores give the same four promises: a `put` is seen whole or not at all; `put_new` succeeds
for one writer only; `swap` succeeds only if nobody wrote since the tag was read; a `get` after a
write sees it. `releases.probing` refuses a server that breaks them.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import ParseResult, unquote, urlparse

from secateur.contracts.errors import CorruptArtifact, ObjectMissing, StoreError, UsageError
from secateur.display.progress import advance_progress


@dataclass(frozen=True)
class Tagged:
    """Bytes with the tag that a later `swap` must match."""

    data: bytes
    tag: str


@dataclass(frozen=True)
class StoredObject:
    """One object in a listing: its size in bytes, its last write in seconds since 1970 (UTC)."""

    key: str
    bytes: int
    modified: float


class Store(Protocol):
    """Objects below one root URI. Keys are relative, with `/` between their parts.

    `address` is the URI with its endpoint: it tells apart two stores of one name. Every method
    raises StoreError when the store fails, UsageError for a key that would leave the root.
    """

    uri: str
    address: str

    def get(self, key: str, limit: int | None = None) -> Tagged:
        """Read one object of at most `limit` bytes. Raises ObjectMissing."""

    def get_unless(self, key: str, tag: str, limit: int | None = None) -> Tagged | None:
        """Read one object, or None while it still has this tag. Raises ObjectMissing."""
        found = self.get(key, limit)
        return None if found.tag == tag else found

    def put(self, key: str, data: bytes) -> None:
        """Write one object, replacing any."""

    def put_new(self, key: str, data: bytes) -> None:
        """Write one object that must not exist. Raises PreconditionFailed."""

    def swap(self, key: str, data: bytes, tag: str) -> None:
        """Replace the object whose tag is still `tag`. Raises PreconditionFailed."""

    def entries(self, prefix: str = "") -> Iterator[StoredObject]:
        """List the objects whose keys start with `prefix`, sorted by key."""

    def reachable(self, prefix: str = "") -> Iterator[StoredObject]:
        """The same and, where a store has links, what lies behind them: to be read alone."""
        return self.entries(prefix)

    def delete(self, key: str) -> None:
        """Remove one object; a missing one is no error."""

    def read_parts(self, key: str, size: int, start: int = 0) -> Iterator[bytes]:
        """The bytes of an object of at most `size` bytes from `start` on, a part at a time.

        Raises ObjectMissing, and StoreError where it is larger.
        """
        yield self.get(key, size).data[start:]

    def put_file(
        self, key: str, path: Path, *, new: bool = False, sha256: str | None = None
    ) -> None:
        """Write a file as one object; with `new` as `put_new` does. Raises PreconditionFailed.

        With `sha256` the very bytes that are sent are hashed: raises CorruptArtifact, and writes
        nothing, where theirs is another.
        """
        data = path.read_bytes()
        demand_sha256(path, hashlib.sha256(data), sha256)
        (self.put_new if new else self.put)(key, data)
        advance_progress(len(data))

    def touch(self, key: str, path: Path, sha256: str | None = None) -> None:
        """Date an object as written now, whose bytes are those of the file at `path`.

        They are not sent where the store can do without; `sha256` as in `put_file`. Raises
        ObjectMissing.
        """
        if not self.exists(key):
            raise ObjectMissing(f"{self.uri}/{key}: no such object")
        self.put_file(key, path, sha256=sha256)

    def renew(self, key: str, data: bytes, tag: str) -> None:
        """Date an object as written now, whose tag is still `tag` and whose bytes are `data`.

        They are not sent where the store can do without. Raises PreconditionFailed, ObjectMissing.
        """
        self.swap(key, data, tag)

    def keys(self, prefix: str = "") -> Iterator[str]:
        """List the keys that start with `prefix`, sorted."""
        return (entry.key for entry in self.entries(prefix))

    def exists(self, key: str) -> bool:
        """Tell whether an object lies under `key`."""
        return next(self.keys(key), None) == key  # the shortest of its prefix is listed first


def join(uri: str, *parts: str) -> str:
    """Append path parts to a URI."""
    return "/".join([uri.rstrip("/"), *(part.strip("/") for part in parts)])


def parsed_uri(uri: str) -> ParseResult:
    """A URI's parts. Raises UsageError for none at all: an unset variable names no folder."""
    if not uri.strip():
        raise UsageError("a URI is empty: it starts with s3://bucket/ or file:///")
    try:
        return urlparse(uri)
    except ValueError as error:  # half a bracket of an IPv6 address
        raise UsageError(f"{uri}: {error}") from error


def local_path(uri: str) -> Path | None:
    """The folder of a `file://` URI or bare path; None where the bytes lie elsewhere."""
    parsed = parsed_uri(uri)
    if parsed.scheme == "file":
        return Path(unquote(parsed.path)).absolute()
    return Path(uri).absolute() if not parsed.scheme else None


def demand_key(key: str) -> str:
    """Insist that a key has one spelling and stays below its store. Raises UsageError."""
    if any(part in ("", ".", "..") for part in key.split("/")) or set(key) & {"\\", "\0"}:
        raise UsageError(f"{key!r} is no key: its parts between '/' are names, not '', '.' or '..'")
    return key


def demand_sha256(path: Path, found: "hashlib._Hash", wanted: str | None) -> None:
    """Insist that what was read of a file has this hash, if any. Raises CorruptArtifact."""
    if wanted is not None and found.hexdigest() != wanted:
        raise CorruptArtifact(f"{path}: its bytes differ from its manifest ({wanted[:12]})")


def demand_size(where: str, found: int, limit: int | None) -> None:
    """Insist on at most `limit` bytes, before they fill the memory. Raises StoreError."""
    if limit is not None and found > limit:
        raise StoreError(f"{where} has {found:,} bytes where at most {limit:,} belong")

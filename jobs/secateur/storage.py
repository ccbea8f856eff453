"""Bytes under keys at `file://` and `s3://`, with the conditional writes that releases stand on.

Both stores give the same four promises: a `put` is seen whole or not at all; `put_new` succeeds
for one writer only; `swap` succeeds only if nobody wrote since the tag was read; a `get` after a
write sees it. S3 is configured by the AWS variables alone (`AWS_ENDPOINT_URL_S3`,
`AWS_ACCESS_KEY_ID`, ...), as boto3 reads them.
"""

import contextlib
import fcntl
import hashlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, Protocol
from urllib.parse import urlparse

from secateur.contracts.errors import ObjectMissing, PreconditionFailed, StoreError, UsageError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_LOST_RACE = {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}
_MISSING = {"NoSuchKey", "404", "NotFound"}
LOCK = ".lock"


@dataclass(frozen=True)
class Tagged:
    """Bytes with the tag that a later `swap` must match."""

    data: bytes
    tag: str


class Store(Protocol):
    """Objects below one root URI. Keys are relative, with `/` between their parts."""

    uri: str

    def get(self, key: str) -> Tagged:
        """Read one object. Raises ObjectMissing."""

    def put(self, key: str, data: bytes) -> None:
        """Write one object, replacing any."""

    def put_new(self, key: str, data: bytes) -> None:
        """Write one object that must not exist. Raises PreconditionFailed."""

    def swap(self, key: str, data: bytes, tag: str) -> None:
        """Replace the object whose tag is still `tag`. Raises PreconditionFailed."""

    def exists(self, key: str) -> bool:
        """Tell whether an object lies under `key`."""

    def keys(self, prefix: str = "") -> Iterator[str]:
        """List keys that start with `prefix`, sorted."""

    def delete(self, key: str) -> None:
        """Remove one object; a missing one is no error."""


def open_store(uri: str) -> Store:
    """Return the store at `file:///path` or `s3://bucket/prefix`; a bare path is a file.

    Raises UsageError for another scheme.
    """
    parsed = urlparse(uri)
    if parsed.scheme == "s3" and parsed.netloc:
        return S3Store(parsed.netloc, parsed.path.strip("/"))
    if parsed.scheme in ("", "file"):
        return FileStore(Path(parsed.path))
    raise UsageError(f"{uri}: a URI starts with s3://bucket/ or file:///")


def join(uri: str, *parts: str) -> str:
    """Append path parts to a URI."""
    return "/".join([uri.rstrip("/"), *(part.strip("/") for part in parts)])


def local_path(uri: str) -> Path | None:
    """The folder of a `file://` URI or bare path; None where the bytes lie elsewhere."""
    parsed = urlparse(uri)
    return Path(parsed.path).absolute() if parsed.scheme in ("", "file") else None


class FileStore:
    """A folder as a store: atomic renames, hard links for `put_new`, a lock for `swap`."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.uri = self.root.as_uri()

    def get(self, key: str) -> Tagged:
        """Read one object. Raises ObjectMissing."""
        try:
            data = self._path(key).read_bytes()
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
            raise ObjectMissing(f"{self.uri}/{key}: no such object") from error
        return Tagged(data, hashlib.sha256(data).hexdigest())

    def put(self, key: str, data: bytes) -> None:
        """Write one object, replacing any."""
        with self._written(key, data) as temporary:
            temporary.replace(self._path(key))

    def put_new(self, key: str, data: bytes) -> None:
        """Write one object that must not exist. Raises PreconditionFailed."""
        with self._written(key, data) as temporary:
            try:
                self._path(key).hardlink_to(temporary)
            except FileExistsError as error:
                raise PreconditionFailed(f"{self.uri}/{key} exists already") from error

    def swap(self, key: str, data: bytes, tag: str) -> None:
        """Replace the object whose tag is still `tag`. Raises PreconditionFailed."""
        with (self.root / LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not self.exists(key) or self.get(key).tag != tag:
                raise PreconditionFailed(f"{self.uri}/{key} was changed by another writer")
            self.put(key, data)

    def exists(self, key: str) -> bool:
        """Tell whether an object lies under `key`."""
        return self._path(key).is_file()

    def keys(self, prefix: str = "") -> Iterator[str]:
        """List keys that start with `prefix`, sorted."""
        found = (p.relative_to(self.root).as_posix() for p in self.root.rglob("*") if p.is_file())
        yield from sorted(k for k in found if k.startswith(prefix) and not _is_private(k))

    def delete(self, key: str) -> None:
        """Remove one object; a missing one is no error."""
        self._path(key).unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        path = self.root / key
        if ".." in Path(key).parts or Path(key).is_absolute():
            raise UsageError(f"{key!r}: a key stays below its store")
        return path

    @contextlib.contextmanager
    def _written(self, key: str, data: bytes) -> Iterator[Path]:
        """Give a complete, durable temporary file beside the place of `key`."""
        target = self._path(key)
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".tmp-", dir=target.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            yield Path(name)
        finally:
            Path(name).unlink(missing_ok=True)


def _is_private(key: str) -> bool:
    name = key.rsplit("/", 1)[-1]
    return name == LOCK or name.startswith(".tmp-")


class S3Store:
    """A bucket, or a prefix in one, as a store."""

    def __init__(self, bucket: str, prefix: str) -> None:
        self.bucket = bucket
        self.prefix = f"{prefix}/" if prefix else ""
        self.uri = f"s3://{bucket}/{prefix}".rstrip("/")
        self._client = _s3_client()

    def get(self, key: str) -> Tagged:
        """Read one object. Raises ObjectMissing."""
        with self._translated(key):
            answer = self._client.get_object(Bucket=self.bucket, Key=self.prefix + key)
            return Tagged(answer["Body"].read(), answer["ETag"])

    def put(self, key: str, data: bytes) -> None:
        """Write one object, replacing any."""
        with self._translated(key):
            self._client.put_object(Bucket=self.bucket, Key=self.prefix + key, Body=data)

    def put_new(self, key: str, data: bytes) -> None:
        """Write one object that must not exist. Raises PreconditionFailed."""
        with self._translated(key):
            self._client.put_object(
                Bucket=self.bucket, Key=self.prefix + key, Body=data, IfNoneMatch="*"
            )

    def swap(self, key: str, data: bytes, tag: str) -> None:
        """Replace the object whose tag is still `tag`. Raises PreconditionFailed."""
        try:
            with self._translated(key):
                self._client.put_object(
                    Bucket=self.bucket, Key=self.prefix + key, Body=data, IfMatch=tag
                )
        except ObjectMissing as error:
            # AWS answers 404, SeaweedFS 412, when the object to replace is gone.
            raise PreconditionFailed(f"{self.uri}/{key} is gone") from error

    def exists(self, key: str) -> bool:
        """Tell whether an object lies under `key`."""
        try:
            with self._translated(key):
                self._client.head_object(Bucket=self.bucket, Key=self.prefix + key)
        except ObjectMissing:
            return False
        return True

    def keys(self, prefix: str = "") -> Iterator[str]:
        """List keys that start with `prefix`, sorted."""
        with self._translated(prefix):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket, Prefix=self.prefix + prefix
            )
            for page in pages:
                for entry in page.get("Contents", []):
                    yield entry["Key"].removeprefix(self.prefix)

    def delete(self, key: str) -> None:
        """Remove one object; a missing one is no error."""
        with self._translated(key):
            self._client.delete_object(Bucket=self.bucket, Key=self.prefix + key)

    @contextlib.contextmanager
    def _translated(self, key: str) -> Iterator[None]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield
        except ClientError as error:
            _raise_translated(f"{self.uri}/{key}", str(error.response["Error"]["Code"]), error)
        except BotoCoreError as error:
            raise StoreError(f"{self.uri}/{key}: {error}") from error


def _raise_translated(where: str, code: str, error: Exception) -> NoReturn:
    if code in _LOST_RACE:
        raise PreconditionFailed(f"{where}: another writer was first ({code})") from error
    if code in _MISSING:
        raise ObjectMissing(f"{where}: no such object") from error
    raise StoreError(f"{where}: {error}") from error


def _s3_client() -> "S3Client":
    """A client for the endpoint the AWS variables name; other endpoints want path addressing."""
    import boto3
    from botocore.config import Config

    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    config = Config(
        signature_version="s3v4",
        s3={"addressing_style": "path" if endpoint else "auto"},
        retries={"mode": "standard", "max_attempts": 5},
    )
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
    return boto3.client("s3", endpoint_url=endpoint, region_name=region, config=config)

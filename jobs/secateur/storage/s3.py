"""A bucket, or a prefix in one, as a `secateur.storage.Store`.

Configured by the AWS variables alone (`AWS_ENDPOINT_URL_S3`, `AWS_ACCESS_KEY_ID`, ...), as boto3
reads them. boto3 is imported when the first store is opened.
"""

import logging
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from secateur.contracts.errors import ObjectMissing, PreconditionFailed, StoreError
from secateur.storage import deadlines
from secateur.storage.multipart import PART_BYTES, send_parts
from secateur.storage.s3_client import Unchanged, as_store_errors, s3_client
from secateur.storage.store import Store, StoredObject, Tagged, demand_key, demand_size

if TYPE_CHECKING:
    from botocore.response import StreamingBody
    from mypy_boto3_s3.type_defs import CopySourceTypeDef, GetObjectOutputTypeDef

log = logging.getLogger("secateur.storage")

Answer = TypeVar("Answer")

CHUNK_BYTES = 1 << 20
COPIED_BYTES = 1 << 30  # by one request; S3 itself takes five times as many
FRUITLESS = 4  # attempts at a body that brought not one byte more
LONGEST_PAUSE_S = 1.0


class S3Store(Store):
    """A bucket, or a prefix in one, as a store."""

    def __init__(self, bucket: str, prefix: str) -> None:
        self.bucket = bucket
        self.prefix = f"{prefix}/" if prefix else ""
        self.uri = f"s3://{bucket}/{prefix}".rstrip("/")
        self._client = s3_client(self.uri)
        self.address = f"{self._client.meta.endpoint_url}/{bucket}/{prefix}".rstrip("/")

    def get(self, key: str, limit: int | None = None) -> Tagged:
        """Read one object of at most `limit` bytes; a body that breaks is asked for again.

        Raises ObjectMissing where there is none, StoreError where it is larger.
        """
        return self._get(key, limit)

    def get_unless(self, key: str, tag: str, limit: int | None = None) -> Tagged | None:
        """Read one object, or None while it still has this tag: its bytes are not sent then."""
        try:
            return self._get(key, limit, **({"IfNoneMatch": tag} if tag else {}))
        except Unchanged:
            return None

    def _get(self, key: str, limit: int | None, **condition: str) -> Tagged:
        where, deadline = f"{self.uri}/{key}", None
        for attempt in range(FRUITLESS):
            answer = self._open(key, **condition)
            length = answer.get("ContentLength", 0)
            demand_size(where, length, limit)
            seconds = deadlines.seconds_for(length if limit is None else limit)
            deadline = deadline or deadlines.Deadline(seconds, where)
            try:
                data = b"".join(self._chunks(answer, where, limit, deadline))
            except _Broken as error:
                deadline.check()
                _pause(attempt, error)
                continue
            if not answer.get("ETag"):
                raise StoreError(f"{where}: the store gave no ETag")
            return Tagged(data, answer["ETag"])
        raise StoreError(f"{where}: the body broke {FRUITLESS} times")

    def read_parts(self, key: str, size: int, start: int = 0) -> Iterator[bytes]:
        """The bytes of an object of at most `size` bytes from `start` on, as they arrive.

        A body that breaks goes on by a range of the same ETag. Raises ObjectMissing, and StoreError
        where the object is larger, changes meanwhile, or cannot be had in time.
        """
        where, tag, fruitless = f"{self.uri}/{key}", "", 0
        deadline = deadlines.Deadline(deadlines.seconds_for(size - start), where)
        while not start or start < size:
            before, answer = start, self._open(key, **_range(start, tag))
            if start and "ContentRange" not in answer:
                raise StoreError(f"{where}: the store gives no ranges")
            tag = answer.get("ETag", "")
            try:
                for chunk in self._chunks(answer, where, size - start, deadline):
                    start += len(chunk)
                    yield chunk
                return
            except _Broken as error:
                deadline.check()
                fruitless = fruitless + 1 if start == before else 0
                if fruitless >= FRUITLESS:
                    raise StoreError(str(error)) from error
                _pause(fruitless, error)

    def put(self, key: str, data: bytes) -> None:
        """Write one object, replacing any."""
        self._put(key, data)

    def put_new(self, key: str, data: bytes) -> None:
        """Write one object that must not exist. Raises PreconditionFailed."""
        self._put(key, data, IfNoneMatch="*")

    def put_file(
        self, key: str, path: Path, *, new: bool = False, sha256: str | None = None
    ) -> None:
        """Write a file as one object, in parts; with `new` it must not exist.

        Raises PreconditionFailed, and CorruptArtifact where its bytes have not this `sha256`.
        """
        if path.stat().st_size <= PART_BYTES:
            super().put_file(key, path, new=new, sha256=sha256)
            return
        condition = {"IfNoneMatch": "*"} if new else {}
        with as_store_errors(f"{self.uri}/{key}"):
            send_parts(self._client, self.bucket, self._key(key), path, condition, sha256)

    def touch(self, key: str, path: Path, sha256: str | None = None) -> None:
        """Date an object as written now, by a copy onto itself: no byte of it is sent."""
        size = path.stat().st_size
        if size > COPIED_BYTES:
            super().touch(key, path, sha256)
        else:
            self._copy_onto_itself(key, size)

    def renew(self, key: str, data: bytes, tag: str) -> None:
        """Date an object as written now, whose tag is still `tag`: no byte of it is sent."""
        self._copy_onto_itself(key, len(data), CopySourceIfMatch=tag)

    def _copy_onto_itself(self, key: str, size: int, **condition: Any) -> None:  # noqa: ANN401
        full = self._key(key)
        where: CopySourceTypeDef = {"Bucket": self.bucket, "Key": full}
        self._ask(
            key,
            lambda: self._client.copy_object(
                Bucket=self.bucket,
                Key=full,
                CopySource=where,
                MetadataDirective="REPLACE",
                **condition,
            ),
            deadlines.seconds_for(size),
        )

    def swap(self, key: str, data: bytes, tag: str) -> None:
        """Replace the object whose tag is still `tag`. Raises PreconditionFailed."""
        try:
            self._put(key, data, IfMatch=tag)
        except ObjectMissing as error:
            # AWS answers 404, SeaweedFS 412, when the object to replace is gone.
            raise PreconditionFailed(f"{self.uri}/{key} is gone") from error

    def entries(self, prefix: str = "") -> Iterator[StoredObject]:
        """List the objects whose keys start with `prefix`, sorted by key."""
        pages = iter(
            self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket, Prefix=self.prefix + prefix
            )
        )
        while (page := self._ask(prefix, lambda: next(pages, None))) is not None:
            with as_store_errors(f"{self.uri}/{prefix}"):
                listed = [
                    StoredObject(
                        found["Key"].removeprefix(self.prefix),
                        found["Size"],
                        found["LastModified"].timestamp(),
                    )
                    for found in page.get("Contents", [])
                ]
            yield from listed

    def delete(self, key: str) -> None:
        """Remove one object; a missing one is no error."""
        full = self._key(key)
        self._ask(key, lambda: self._client.delete_object(Bucket=self.bucket, Key=full))

    def _key(self, key: str) -> str:
        return self.prefix + demand_key(key)

    def _put(self, key: str, data: bytes, **condition: Any) -> None:  # noqa: ANN401
        full = self._key(key)
        self._ask(
            key,
            lambda: self._client.put_object(Bucket=self.bucket, Key=full, Body=data, **condition),
            deadlines.seconds_for(len(data)),
        )

    def _open(self, key: str, **wanted: Any) -> "GetObjectOutputTypeDef":  # noqa: ANN401
        full = self._key(key)
        return self._ask(
            key, lambda: self._client.get_object(Bucket=self.bucket, Key=full, **wanted)
        )

    def _ask(self, key: str, request: Callable[[], Answer], seconds: float | None = None) -> Answer:
        where = f"{self.uri}/{key}"
        with as_store_errors(where):
            return deadlines.answer_within(seconds or deadlines.ANSWER_S, request, where)

    def _chunks(
        self,
        answer: "GetObjectOutputTypeDef",
        where: str,
        limit: int | None,
        deadline: deadlines.Deadline,
    ) -> Iterator[bytes]:
        """The body as it arrives, at most `limit` bytes. Raises _Broken where it ends early."""
        found, length = 0, answer.get("ContentLength")
        try:
            while chunk := _read_some(answer["Body"], where):
                found += len(chunk)
                demand_size(where, found, limit)
                yield chunk
                deadline.check()
        finally:
            answer["Body"].close()  # what is left of it would block the connection
        if length is not None and found < length:
            raise _Broken(f"{where}: {found:,} of {length:,} bytes came")


class _Broken(Exception):
    """A body ended before it was whole."""


def _read_some(body: "StreamingBody", where: str) -> bytes:
    """The bytes that are there, at least one; none at the end.

    Of botocore's own reads each waits for all that it was asked for, which may trickle for ever.
    """
    try:
        found: bytes = body._raw_stream.read1(CHUNK_BYTES)  # type: ignore[attr-defined]
    except Exception as error:  # of urllib3, http.client or the socket
        raise _Broken(f"{where}: {type(error).__name__}: {error}") from error
    return found


def _range(start: int, tag: str) -> dict[str, str]:
    same = {"IfMatch": tag} if tag else {}
    return {"Range": f"bytes={start}-", **same} if start else {}


def _pause(attempt: int, error: Exception) -> None:
    log.info("asking again: %s", error)
    time.sleep(random.uniform(0, min(LONGEST_PAUSE_S, 0.05 * 2**attempt)))

"""A bucket, or a prefix in one, as a `secateur.storage.Store`.

Configured by the AWS variables alone (`AWS_ENDPOINT_URL_S3`, `AWS_ACCESS_KEY_ID`, ...), as boto3
reads them. boto3 is imported when the first store is opened.
"""

import contextlib
import os
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from secateur.contracts.errors import ObjectMissing, PreconditionFailed, StoreError, UsageError
from secateur.storage.store import Store, StoredObject, Tagged, demand_key, demand_size

if TYPE_CHECKING:
    from boto3.session import Session
    from botocore.loaders import Loader
    from mypy_boto3_s3 import S3Client

_LOST_RACE = ("PreconditionFailed", "ConditionalRequestConflict", "412", "409")
_MISSING = ("NoSuchKey", "404", "NotFound")
_KINDS: dict[str, type[StoreError]] = {
    **dict.fromkeys(_LOST_RACE, PreconditionFailed),
    **dict.fromkeys(_MISSING, ObjectMissing),
}


class S3Store(Store):
    """A bucket, or a prefix in one, as a store."""

    def __init__(self, bucket: str, prefix: str) -> None:
        self.bucket = bucket
        self.prefix = f"{prefix}/" if prefix else ""
        self.uri = f"s3://{bucket}/{prefix}".rstrip("/")
        self._client = _s3_client()
        self.address = f"{self._client.meta.endpoint_url}/{bucket}/{prefix}".rstrip("/")

    def get(self, key: str, limit: int | None = None) -> Tagged:
        """Read one object of at most `limit` bytes.

        Raises ObjectMissing where there is none, StoreError where it is larger.
        """
        with self._as_store_errors(key):
            answer = self._client.get_object(Bucket=self.bucket, Key=self._key(key))
            demand_size(f"{self.uri}/{key}", answer["ContentLength"], limit)
            return Tagged(answer["Body"].read(), answer["ETag"])

    def put(self, key: str, data: bytes) -> None:
        """Write one object, replacing any."""
        with self._as_store_errors(key):
            self._client.put_object(Bucket=self.bucket, Key=self._key(key), Body=data)

    def put_new(self, key: str, data: bytes) -> None:
        """Write one object that must not exist. Raises PreconditionFailed."""
        with self._as_store_errors(key):
            self._client.put_object(
                Bucket=self.bucket, Key=self._key(key), Body=data, IfNoneMatch="*"
            )

    def swap(self, key: str, data: bytes, tag: str) -> None:
        """Replace the object whose tag is still `tag`. Raises PreconditionFailed."""
        try:
            with self._as_store_errors(key):
                self._client.put_object(
                    Bucket=self.bucket, Key=self._key(key), Body=data, IfMatch=tag
                )
        except ObjectMissing as error:
            # AWS answers 404, SeaweedFS 412, when the object to replace is gone.
            raise PreconditionFailed(f"{self.uri}/{key} is gone") from error

    def entries(self, prefix: str = "") -> Iterator[StoredObject]:
        """List the objects whose keys start with `prefix`, sorted by key."""
        with self._as_store_errors(prefix):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket, Prefix=self.prefix + prefix
            )
            for page in pages:
                for found in page.get("Contents", []):
                    key = found["Key"].removeprefix(self.prefix)
                    yield StoredObject(key, found["Size"], found["LastModified"].timestamp())

    def delete(self, key: str) -> None:
        """Remove one object; a missing one is no error."""
        with self._as_store_errors(key):
            self._client.delete_object(Bucket=self.bucket, Key=self._key(key))

    def _key(self, key: str) -> str:
        return self.prefix + demand_key(key)

    @contextlib.contextmanager
    def _as_store_errors(self, key: str) -> Iterator[None]:
        from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

        try:
            yield
        except ClientError as error:
            kind = _KINDS.get(str(error.response["Error"]["Code"]), StoreError)
            raise kind(f"{self.uri}/{key}: {error}") from error
        except NoCredentialsError as error:
            raise UsageError(
                f"{self.uri}: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
            ) from error
        except BotoCoreError as error:
            raise StoreError(f"{self.uri}/{key}: {error}") from error


def _s3_client() -> "S3Client":
    """A client for the endpoint the AWS variables name; other endpoints want path addressing."""
    from botocore.config import Config

    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    config = Config(
        signature_version="s3v4",
        s3={"addressing_style": "path" if endpoint else "auto"},
        connect_timeout=5,  # seconds an attempt: a reader should learn soon that the store is away
        retries={"mode": "standard", "max_attempts": 5},
    )
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
    return _session().client("s3", endpoint_url=endpoint, region_name=region, config=config)


def _session() -> "Session":
    """A session of its own: boto3's default one must not be shared while threads make clients."""
    import boto3.session
    from botocore.session import get_session

    core = get_session()
    core.register_component("data_loader", _loader())
    return boto3.session.Session(botocore_session=core)


@lru_cache(maxsize=1)
def _loader() -> "Loader":
    """boto's service descriptions, parsed once a process: 0.01 s a client instead of 0.12 s."""
    from botocore.loaders import Loader

    return Loader()

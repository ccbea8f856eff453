"""Small files of runs and states, which every machine sees: in a folder, or at `s3://`.

`s3://` is reached as the verbs reach it, by boto3 and the AWS variables: s3fs, which Airflow's
ObjectStoragePath wants, is in no environment of ours. boto3 comes with Airflow's provider for
Amazon, and is imported only where a site has its runs at `s3://`.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

KINDS: dict[str, type[OSError]] = {
    **dict.fromkeys(("PreconditionFailed", "412"), FileExistsError),
    **dict.fromkeys(("NoSuchKey", "404"), FileNotFoundError),
}
CONNECT_S, SILENCE_S, ATTEMPTS = 5, 15, 3


class SharedFile(NamedTuple):
    """One file, or the folder above files. The methods raise OSError."""

    uri: str

    def below(self, *names: str) -> "SharedFile":
        """What lies so below this folder."""
        return SharedFile("/".join([self.uri.rstrip("/"), *names]))

    def read(self) -> str:
        """Its text. Raises FileNotFoundError."""
        if not self._at_s3:
            return self._path.read_text()
        with as_os_errors(self.uri):
            answer = s3_client().get_object(Bucket=self._bucket, Key=self._key)
            return answer["Body"].read().decode()

    def exists(self) -> bool:
        """Whether there is such a file."""
        try:
            self.read()
        except FileNotFoundError:
            return False
        return True

    def write(self, text: str) -> None:
        """Write it, whatever was there."""
        if self._at_s3:
            with as_os_errors(self.uri):
                s3_client().put_object(Bucket=self._bucket, Key=self._key, Body=text.encode())
        else:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.write_text(text)

    def create(self, text: str) -> None:
        """Write it where nothing is yet: of many at once one does. Raises FileExistsError."""
        if self._at_s3:
            with as_os_errors(self.uri):
                s3_client().put_object(
                    Bucket=self._bucket, Key=self._key, Body=text.encode(), IfNoneMatch="*"
                )
        else:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("x") as file:
                file.write(text)

    def delete(self) -> None:
        """Take it away, if it is there."""
        if self._at_s3:
            with as_os_errors(self.uri):
                s3_client().delete_object(Bucket=self._bucket, Key=self._key)
        else:
            self._path.unlink(missing_ok=True)

    def names(self) -> list[str]:
        """What lies directly in this folder, sorted; nothing where there is no such folder."""
        if not self._at_s3:
            return sorted(path.name for path in self._path.iterdir()) if self._path.is_dir() else []
        with as_os_errors(self.uri):
            return self._names_at_s3(f"{self._key.rstrip('/')}/")

    def _names_at_s3(self, prefix: str) -> list[str]:
        found: list[str] = []
        pages = s3_client().get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=self._bucket, Prefix=prefix, Delimiter="/"):
            found += [one["Key"] for one in page.get("Contents", [])]
            found += [one["Prefix"] for one in page.get("CommonPrefixes", [])]
        return sorted(key.removeprefix(prefix).rstrip("/") for key in found)

    @property
    def _at_s3(self) -> bool:
        return self.uri.startswith("s3://")

    @property
    def _path(self) -> Path:
        parts = urlsplit(self.uri)
        return Path(unquote(parts.path) if parts.scheme == "file" else self.uri)

    @property
    def _bucket(self) -> str:
        return urlsplit(self.uri).netloc

    @property
    def _key(self) -> str:
        return urlsplit(self.uri).path.lstrip("/")


@contextmanager
def as_os_errors(uri: str) -> Iterator[None]:
    """Raise what boto3 raises as the error that a file system would raise."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        kind = KINDS.get(str(error.response.get("Error", {}).get("Code")), OSError)
        raise kind(f"{uri}: {error}") from error
    except BotoCoreError as error:
        raise OSError(f"{uri}: {error}") from error


@lru_cache(maxsize=1)
def s3_client() -> "S3Client":
    """A client for the endpoint the AWS variables name; other endpoints want path addressing."""
    import boto3
    from botocore.config import Config

    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
    config = Config(
        signature_version="s3v4",
        s3={"addressing_style": "path" if endpoint else "auto"},
        connect_timeout=CONNECT_S,
        read_timeout=SILENCE_S,
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
    )
    return boto3.client("s3", endpoint_url=endpoint, region_name=region, config=config)

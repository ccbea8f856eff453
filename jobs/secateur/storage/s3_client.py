"""The S3 client, configured by the AWS variables as boto3 reads them, and what its errors mean."""

import contextlib
import os
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from secateur.contracts.errors import (
    ObjectMissing,
    PreconditionFailed,
    SecateurError,
    StoreError,
    UsageError,
)

if TYPE_CHECKING:
    from boto3.session import Session
    from botocore.exceptions import ClientError
    from botocore.loaders import Loader
    from mypy_boto3_s3 import S3Client

CONNECT_S, SILENCE_S = 5, 15  # an attempt: a reader should learn soon that the store is away
ATTEMPTS = 5  # all within `deadlines.ANSWER_S`


class Unchanged(StoreError):
    """An object still has the tag that its reader has seen (HTTP 304)."""


_LOST_RACE = ("PreconditionFailed", "ConditionalRequestConflict", "412", "409")
_MISSING = ("NoSuchKey", "404", "NotFound")
# Keys, rights and names: the same command would be refused again.
_ASKED_WRONGLY = (
    *("InvalidAccessKeyId", "SignatureDoesNotMatch", "AccessDenied", "403", "Forbidden"),
    *("ExpiredToken", "InvalidToken", "NoSuchBucket", "InvalidBucketName", "AllAccessDisabled"),
    *("AuthorizationHeaderMalformed", "PermanentRedirect", "301", "IllegalLocationConstraint"),
)
_KINDS: dict[str, type[SecateurError]] = {
    **dict.fromkeys(_LOST_RACE, PreconditionFailed),
    **dict.fromkeys(_MISSING, ObjectMissing),
    **dict.fromkeys(_ASKED_WRONGLY, UsageError),
    **dict.fromkeys(("304", "NotModified"), Unchanged),
}


@contextlib.contextmanager
def as_store_errors(where: str) -> Iterator[None]:
    """Turn whatever boto3 raises into one of ours, in one line that starts with `where`.

    A server that answers what no S3 does makes boto3 raise anything, such as KeyError: that is
    the store's failure too.
    """
    from botocore import exceptions as boto

    wrong = (
        *(boto.NoCredentialsError, boto.PartialCredentialsError, boto.ProfileNotFound),
        *(boto.InvalidRegionError, boto.InvalidConfigError, boto.ConfigParseError),
        *(boto.CredentialRetrievalError, boto.ParamValidationError),
    )
    try:
        yield
    except SecateurError:
        raise
    except boto.ClientError as error:
        kind = _kind_of(error)
        hint = "; see AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY" if kind is UsageError else ""
        raise kind(f"{where}: {_line(error)}{hint}") from error
    except wrong as error:
        raise UsageError(
            f"{where}: {_line(error)}; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY both, and "
            "see AWS_PROFILE and AWS_REGION"
        ) from error
    except Exception as error:
        raise StoreError(f"{where}: {_line(error)}") from error


def _kind_of(error: "ClientError") -> type[SecateurError]:
    code = str(error.response.get("Error", {}).get("Code", ""))
    return _KINDS.get(code, StoreError)


def _line(error: Exception) -> str:
    """One line of what went wrong, with the error's kind where its text alone says little."""
    text = " ".join(str(error).split())
    return text if " " in text else f"{type(error).__name__} {text}".strip()


def s3_client(uri: str) -> "S3Client":
    """A client for the endpoint the AWS variables name; other endpoints want path addressing.

    Raises UsageError where a variable or a profile says what cannot be.
    """
    from botocore.config import Config

    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    config = Config(
        signature_version="s3v4",
        s3={"addressing_style": "path" if endpoint else "auto"},
        connect_timeout=CONNECT_S,
        read_timeout=SILENCE_S,
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        response_checksum_validation="when_required",  # every byte is held against its sha256
    )
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
    with as_store_errors(uri):
        try:
            session = _session()
            return session.client("s3", endpoint_url=endpoint, region_name=region, config=config)
        except ValueError as error:  # an endpoint that is no URL
            raise UsageError(f"{uri}: {error}; see AWS_ENDPOINT_URL_S3") from error


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

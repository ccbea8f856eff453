"""Where everything lies below `<root>/<scenario>/`, and how large it may be.

blobs/sha256/<hex>                  immutable
releases/<number>/manifest.json     immutable; the number is claimed by creating it
releases/<number>/model.sig         the same for OpenSSF's tools, see `signatures/model_signing`
releases/<number>/delta.bin         what it changed of an earlier one, see `deltas`; or none
releases/<number>/manifest.sig      makes the release visible
channels/<name>.json                the only object that changes
swept/<package>.json                the manifest of a release that was swept, by its package
"""

import os
import re
from datetime import datetime, timezone

from secateur.contracts.errors import UsageError
from secateur.contracts.releases import CHANNEL_NAME
from secateur.storage import Store, StoredObject, open_store

BLOBS = "blobs/sha256/"
RELEASES = "releases/"
CHANNELS = "channels/"
PROBES = "probes/"
SNAPSHOTS = "_snapshot"  # after a scenario's name: where its feature snapshots lie
SWEPT = "swept/"

POINTER_LIMIT = 64 * 1024
MANIFEST_LIMIT = 4 * 1024 * 1024
SIGNATURE_LIMIT = 1024
BUNDLE_LIMIT = 8 * 1024 * 1024
CHUNK_LIMIT = 16 * 1024 * 1024  # of a file in chunks: a reader holds some in memory

_NAME = re.compile(CHANNEL_NAME, re.ASCII)
_MANIFEST = re.compile(RELEASES + r"([1-9][0-9]*)/manifest\.json", re.ASCII)
_POINTER = re.compile(CHANNELS + rf"({_NAME.pattern})\.json", re.ASCII)


def blob_key(sha256: str) -> str:
    """Key of the blob with this content."""
    return BLOBS + sha256


def manifest_key(number: int) -> str:
    """Key of a release's manifest."""
    return f"{RELEASES}{number}/manifest.json"


def signature_key(number: int) -> str:
    """Key of the signature over a release's manifest."""
    return f"{RELEASES}{number}/manifest.sig"


def bundle_key(number: int) -> str:
    """Key of the OpenSSF model-signing bundle over a release's files."""
    return f"{RELEASES}{number}/model.sig"


def delta_key(number: int) -> str:
    """Key of what a release changed of an earlier one."""
    return f"{RELEASES}{number}/delta.bin"


def swept_key(package: str) -> str:
    """Key of what is left of a swept release, by the digest of its package."""
    return f"{SWEPT}{package}.json"


def pointer_key(channel: str) -> str:
    """Key of a channel's pointer. Raises UsageError for a name that is no channel's."""
    if not _NAME.fullmatch(channel):
        raise UsageError(f"{channel!r} is no channel: lower-case letters, digits, '_' and '-'")
    return f"{CHANNELS}{channel}.json"


def numbers(store: Store) -> list[int]:
    """Numbers of all manifests, signed or not, in growing order."""
    return sorted(manifests(store))


def manifests(store: Store) -> dict[int, StoredObject]:
    """All manifests by number, signed or not, as they are listed now."""
    found = ((_MANIFEST.fullmatch(entry.key), entry) for entry in store.entries(RELEASES))
    return {int(match.group(1)): entry for match, entry in found if match}


def channels(store: Store) -> list[str]:
    """Names of all channels."""
    found = (_POINTER.fullmatch(entry.key) for entry in store.entries(CHANNELS))
    return sorted(match.group(1) for match in found if match)


def uri_of(given: str | os.PathLike[str]) -> str:
    """The URI that a caller gives as a text or as a path. Raises UsageError for anything else."""
    if not isinstance(given, str | os.PathLike):
        raise UsageError(f"{given!r:.60} is no URI: it is a text, or the path of a folder")
    return os.fspath(given)


def snapshots_uri(uri: str) -> str:
    """Where the feature snapshots of the models at `<root>/<scenario>` lie."""
    return uri.rstrip("/") + SNAPSHOTS


def open_scenario(uri: str) -> tuple[Store, str]:
    """Open `<root>/<scenario>`; return the store and the scenario's name. Raises UsageError."""
    scenario = uri.rstrip("/").rsplit("/", 1)[-1]
    if not _NAME.fullmatch(scenario) or uri.rstrip("/") == f"s3://{scenario}":
        raise UsageError(f"{uri}: a release store's URI ends in a scenario's name")
    return open_store(uri), scenario


def now() -> str:
    """The time that manifests and pointers carry: UTC, to the second."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")

"""Follow a channel, or take a release by its number, and hold its verified files."""

import contextlib
import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from secateur.contracts.errors import (
    ObjectMissing,
    PreconditionFailed,
    ReleaseError,
    StoreError,
)
from secateur.contracts.releases import ChannelPointer, ReleaseManifest
from secateur.releases.catalogue import Catalogue, Release
from secateur.releases.layout import uri_of
from secateur.releases.reading.cache import Cache, default_root
from secateur.releases.signing import SIGNING_KEY, VERIFY_KEY, Signer, Trust

log = logging.getLogger("secateur.releases")

ATTEMPTS = 10  # at a pointer that others on this machine see move


@dataclass(frozen=True)
class PulledRelease:
    """A verified release on this disk. `pointer` is None when it was taken by its number.

    `offline` tells that the store did not answer, and this is what the channel last served.
    """

    folder: Path
    manifest: ReleaseManifest
    pointer: ChannelPointer | None
    offline: bool = False


def pull(
    uri: str | os.PathLike[str],
    channel: str = "latest",
    release: int | None = None,
    cache: str | Path | None = None,
    verify_keys: Sequence[str] | None = None,
    *,
    offline: bool = False,
) -> PulledRelease:
    """Copy what `channel` serves, or the release with this number, from `<root>/<scenario>`.

    `cache` is by default `$XDG_CACHE_HOME/secateur` or `~/.cache/secateur`; `verify_keys` are
    base64 Ed25519 public keys, by default those in SECATEUR_VERIFY_KEY. Every byte is verified
    at every pull, also of a copy in the cache, which is then not copied again. With `offline`, a
    store that does not answer is no error while the cache holds what the channel last served.

    Raises ReleaseError when something is absent, altered, expired, or older than what was seen;
    SignatureInvalid when it is not by a trusted key; StoreError; UsageError.
    """
    catalogue = Catalogue.at(uri_of(uri), Trust.of(verify_keys))
    root = Path(cache) if cache else default_root()
    return pull_from(catalogue, root, channel, release, offline=offline)


def pull_from(
    catalogue: Catalogue,
    cache_root: Path,
    channel: str = "latest",
    release: int | None = None,
    *,
    offline: bool = False,
    frozen: bool = False,
) -> PulledRelease:
    """The same, from a catalogue that is open already, into a cache below `cache_root`.

    With `frozen` a pointer that has expired is believed as well: only a publisher may ask so.
    """
    with _disk_errors_told(cache_root):
        cache = Cache(cache_root, catalogue.store)
        try:
            pointer = _follow(catalogue, channel, cache) if release is None else None
            if pointer and not frozen:
                demand_fresh(pointer, catalogue.store.uri)
            found = catalogue.release(pointer.release if pointer else release or 0)
            if pointer:
                _demand_same(pointer, found, catalogue.store.uri)
            return PulledRelease(cache.hold(found, catalogue.store), found.manifest, pointer)
        except (ObjectMissing, PreconditionFailed):
            raise
        except StoreError as error:
            last = _last_served(catalogue, channel, cache) if offline and release is None else None
            if last is None:
                raise
            log.warning("offline, with release %d: %s", last.manifest.number, error)
            return last


@contextlib.contextmanager
def _disk_errors_told(cache_root: Path) -> Iterator[None]:
    """Raise StoreError for what this machine's disk refuses: it is full, say, or may not be
    written."""
    try:
        yield
    except OSError as error:
        raise StoreError(f"the cache {cache_root}: {error}") from error


def _last_served(catalogue: Catalogue, channel: str, cache: Cache) -> PulledRelease | None:
    """What the channel served when the store last answered, verified again; None if not held."""
    signed = cache.pointers.last(channel)
    if signed is None:
        return None
    pointer, where = signed.pointer, str(cache.root)
    catalogue.verify_pointer(signed, channel, where)
    try:
        data = cache.manifest(pointer.manifest_sha256)
    except ObjectMissing:
        return None
    release = catalogue.read_release(data, pointer.release, where)
    _demand_same(pointer, release, where)
    folder = cache.held_copy(release)
    return None if folder is None else PulledRelease(folder, release.manifest, pointer, True)


def demand_fresh(pointer: ChannelPointer, where: str) -> None:
    """Insist that a pointer has not expired. Raises ReleaseError."""
    expires = pointer.expires_at
    if expires is not None and datetime.now(timezone.utc) > expires:
        raise ReleaseError(
            f"{where}: channel {pointer.channel} (release {pointer.release}, epoch "
            f"{pointer.epoch}) was good until {expires.isoformat()}, and nobody has renewed it: "
            "the store is frozen, or no night and no `secateur renew` reached it"
        )


def _demand_same(pointer: ChannelPointer, found: Release, where: str) -> None:
    """Insist that a pointer means exactly this release. Raises ReleaseError."""
    if found.sha256 != pointer.manifest_sha256:
        raise ReleaseError(
            f"{where}: channel {pointer.channel} means a release {pointer.release} with manifest "
            f"{pointer.manifest_sha256[:12]}, but finds {found.sha256[:12]}"
        )


def pull_served(uri: str, channels: Sequence[str], cache: Path) -> dict[str, PulledRelease | None]:
    """By channel the release that it serves, None before its first; copied below `cache`.

    Trusts the readers' keys of the environment or, where there are none, the publisher's own.
    Raises ReleaseError where a release cannot be had as it was signed.
    """
    signs = os.environ.get(SIGNING_KEY) and not os.environ.get(VERIFY_KEY)
    trust = Signer.of().trust() if signs else Trust.of()
    catalogue = Catalogue.at(uri, trust)
    return {
        channel: pull_from(catalogue, cache, channel, frozen=True)
        if catalogue.pointer(channel)
        else None
        for channel in channels
    }


def _follow(catalogue: Catalogue, channel: str, cache: Cache) -> ChannelPointer:
    for attempt in range(ATTEMPTS):
        known = cache.pointers.last(channel)
        current = catalogue.pointer(channel)
        if current is None:
            raise ReleaseError(f"{catalogue.store.uri} has no channel {channel}")
        try:
            cache.pointers.remember(current.signed)
            return current.pointer
        except ReleaseError:
            # Another pull on this machine may have seen a move that came after our read: read
            # again. Where nobody sees another move meanwhile, an old pointer was replayed.
            if attempt and cache.pointers.last(channel) == known:
                raise
    raise ReleaseError(f"{catalogue.store.uri}: channel {channel} moves quicker than it is read")

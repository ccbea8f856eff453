"""Follow a channel, or take a release by its number, and hold its verified files."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from secateur.contracts.errors import ReleaseError
from secateur.contracts.releases import ChannelPointer, ReleaseManifest
from secateur.releases.cache import Cache, default_root
from secateur.releases.catalogue import Catalogue
from secateur.releases.signing import VERIFY_KEY, Signer, Trust


@dataclass(frozen=True)
class PulledRelease:
    """A verified release on this disk. `pointer` is None when it was taken by its number."""

    folder: Path
    manifest: ReleaseManifest
    pointer: ChannelPointer | None


def pull(
    uri: str,
    channel: str = "latest",
    release: int | None = None,
    cache: str | Path | None = None,
    verify_keys: Sequence[str] | None = None,
) -> PulledRelease:
    """Copy what `channel` serves, or the release with this number, from `<root>/<scenario>`.

    `cache` is by default `$XDG_CACHE_HOME/secateur` or `~/.cache/secateur`; `verify_keys` are
    base64 Ed25519 public keys, by default those in SECATEUR_VERIFY_KEY. Every byte is verified
    at every pull, also of a copy in the cache, which is then not copied again.

    Raises ReleaseError when something is absent, altered, or older than what was seen before;
    SignatureInvalid when it is not by a trusted key; StoreError; UsageError.
    """
    catalogue = Catalogue.at(uri, Trust.of(verify_keys))
    return pull_from(catalogue, Path(cache) if cache else default_root(), channel, release)


def pull_from(
    catalogue: Catalogue, cache_root: Path, channel: str = "latest", release: int | None = None
) -> PulledRelease:
    """The same, from a catalogue that is open already, into a cache below `cache_root`."""
    cache = Cache(cache_root, catalogue.store)
    pointer = _follow(catalogue, channel, cache) if release is None else None
    found = catalogue.release(pointer.release if pointer else release or 0)
    if pointer and found.sha256 != pointer.manifest_sha256:
        raise ReleaseError(
            f"{catalogue.store.uri}: channel {channel} means a release {pointer.release} with "
            f"manifest {pointer.manifest_sha256[:12]}, but finds {found.sha256[:12]}"
        )
    return PulledRelease(cache.hold(found, catalogue.store), found.manifest, pointer)


def pull_served(uri: str, channels: Sequence[str], cache: Path) -> dict[str, PulledRelease | None]:
    """By channel the release that it serves, None before its first; copied below `cache`.

    Trusts the readers' keys of the environment or, where there are none, the publisher's own.
    Raises ReleaseError where a release cannot be had as it was signed.
    """
    trust = Trust.of() if os.environ.get(VERIFY_KEY) else Signer.of().trust()
    catalogue = Catalogue.at(uri, trust)
    return {
        channel: pull_from(catalogue, cache, channel) if catalogue.pointer(channel) else None
        for channel in channels
    }


def _follow(catalogue: Catalogue, channel: str, cache: Cache) -> ChannelPointer:
    current = catalogue.pointer(channel)
    if current is not None and cache.is_older(current.signed):
        # Another pull on this machine may have seen a move that came after our read: read again.
        current = catalogue.pointer(channel)
    if current is None:
        raise ReleaseError(f"{catalogue.store.uri} has no channel {channel}")
    cache.remember(current.signed)
    return current.pointer

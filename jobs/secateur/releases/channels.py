"""Move a channel: the one write that changes what readers get."""

import logging
import random
import time
from dataclasses import replace

from secateur.contracts import record
from secateur.contracts.errors import PreconditionFailed, ReleaseError, StoreError
from secateur.contracts.releases import ChannelPointer, SignedPointer
from secateur.releases import layout
from secateur.releases.catalogue import Catalogue, Pointed, Release
from secateur.releases.signing import Signer

log = logging.getLogger("secateur.releases")

ATTEMPTS = 64
LONGEST_PAUSE_S = 0.5


def advance(
    catalogue: Catalogue, signer: Signer, channel: str, release: Release, reason: str
) -> ChannelPointer:
    """Serve `release`, unless the channel has ever served it or a newer one; return what it serves.

    A lost race is run again from a fresh read. Raises StoreError when it is lost for ever,
    SignatureInvalid when the present pointer is not ours: then nothing is overwritten.
    """
    for attempt in range(ATTEMPTS):
        current = catalogue.pointer(channel)
        if current and current.pointer.highest >= release.manifest.number:
            return current.pointer
        pointer = _next(catalogue, current, channel, release, reason)
        if _write(catalogue, signer, current, pointer):
            return pointer
        time.sleep(random.uniform(0, min(LONGEST_PAUSE_S, 0.02 * 2**attempt)))
    raise StoreError(
        f"{catalogue.store.uri}: channel {channel} was lost to others {ATTEMPTS} times"
    )


def move_back(
    catalogue: Catalogue, signer: Signer, current: Pointed, release: Release, reason: str
) -> ChannelPointer:
    """Serve a release that the channel has passed already, if `current` is still what it serves.

    Raises ReleaseError when the channel moved meanwhile: whoever rolls back should look again.
    """
    channel = current.pointer.channel
    pointer = _next(catalogue, current, channel, release, reason)
    if not _write(catalogue, signer, current, pointer):
        raise ReleaseError(f"{catalogue.store.uri}: channel {channel} moved meanwhile; look again")
    return pointer


def _next(
    catalogue: Catalogue, current: Pointed | None, channel: str, release: Release, reason: str
) -> ChannelPointer:
    number = release.manifest.number
    pointer = ChannelPointer(
        scenario=catalogue.scenario,
        channel=channel,
        release=number,
        manifest_sha256=release.sha256,
        epoch=1,
        highest=number,
        moved_at=layout.now(),
        reason=reason,
    )
    if current is None:
        return pointer
    highest = max(number, current.pointer.highest)
    return replace(pointer, epoch=current.pointer.epoch + 1, highest=highest)


def _write(
    catalogue: Catalogue, signer: Signer, current: Pointed | None, pointer: ChannelPointer
) -> bool:
    """Sign and write the pointer; False when another writer was first."""
    key = layout.pointer_key(pointer.channel)
    signed = SignedPointer(pointer, signer.sign(record.canonical(pointer)))
    try:
        if current is None:
            catalogue.store.put_new(key, record.dump(signed))
        else:
            catalogue.store.swap(key, record.dump(signed), current.tag)
    except PreconditionFailed:
        # A write that was acknowledged too late is sent again and then loses to itself.
        now = catalogue.pointer(pointer.channel)
        if now is None or now.pointer != pointer:
            return False
    log.info("%s serves release %d, epoch %d", pointer.channel, pointer.release, pointer.epoch)
    return True

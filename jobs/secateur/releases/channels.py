"""Move a channel: the one write that changes what readers get."""

import logging
import random
import time
from dataclasses import replace

from secateur.contracts import record
from secateur.contracts.errors import PreconditionFailed, ReleaseError, StoreError
from secateur.contracts.releases import ChannelPointer, SignedPointer
from secateur.releases import layout
from secateur.releases.catalogue import Release, TaggedPointer
from secateur.releases.publisher import Publisher

log = logging.getLogger("secateur.releases")

ATTEMPTS = 64
LONGEST_PAUSE_S = 0.5


def advance(publisher: Publisher, channel: str, release: Release, reason: str) -> ChannelPointer:
    """Serve `release`, unless the channel ever served it or a newer one; return what it serves.

    After a lost race it looks again. Raises StoreError when every attempt is lost, and
    SignatureInvalid when the present pointer is not by a trusted key: nothing is overwritten then.
    """
    for attempt in range(ATTEMPTS):
        current = publisher.catalogue.pointer(channel)
        if current and current.pointer.highest >= release.manifest.number:
            return current.pointer
        pointer = _next(publisher, current, channel, release, reason)
        if _write(publisher, current, pointer):
            return pointer
        time.sleep(random.uniform(0, min(LONGEST_PAUSE_S, 0.02 * 2**attempt)))
    raise StoreError(
        f"{publisher.store.uri}: channel {channel} was lost to others {ATTEMPTS} times"
    )


def move_back(
    publisher: Publisher, current: TaggedPointer, release: Release, reason: str
) -> ChannelPointer:
    """Serve a release that the channel served before, if it still serves `current`.

    Raises ReleaseError when the channel moved meanwhile: whoever rolls back should look again.
    """
    channel = current.pointer.channel
    pointer = _next(publisher, current, channel, release, reason)
    if not _write(publisher, current, pointer):
        raise ReleaseError(f"{publisher.store.uri}: channel {channel} moved meanwhile; look again")
    return pointer


def _next(
    publisher: Publisher, current: TaggedPointer | None, channel: str, release: Release, reason: str
) -> ChannelPointer:
    number = release.manifest.number
    pointer = ChannelPointer(
        scenario=publisher.catalogue.scenario,
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


def _write(publisher: Publisher, current: TaggedPointer | None, pointer: ChannelPointer) -> bool:
    """Sign and write the pointer; False when another writer was first."""
    key = layout.pointer_key(pointer.channel)
    signed = SignedPointer(pointer, publisher.signer.sign(record.canonical_json(pointer)))
    try:
        if current is None:
            publisher.store.put_new(key, record.dump(signed))
        else:
            publisher.store.swap(key, record.dump(signed), current.tag)
    except PreconditionFailed:
        # A write whose answer came too late is sent again, and loses to itself.
        now = publisher.catalogue.pointer(pointer.channel)
        if now is None or now.pointer != pointer:
            return False
    log.info("%s serves release %d, epoch %d", pointer.channel, pointer.release, pointer.epoch)
    return True

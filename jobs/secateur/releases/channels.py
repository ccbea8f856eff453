"""Move a channel: the one write that changes what readers get."""

import contextlib
import logging
import random
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice

from secateur.contracts import record
from secateur.contracts.errors import (
    PreconditionFailed,
    ReleaseError,
    SecateurError,
    StoreError,
    UsageError,
)
from secateur.contracts.releases import ChannelPointer, Move, SignedPointer
from secateur.releases import layout
from secateur.releases.catalogue import Release, TaggedPointer
from secateur.releases.publisher import Publisher

log = logging.getLogger("secateur.releases")

ATTEMPTS = 64
LONGEST_PAUSE_S = 0.5
HISTORY, HISTORY_BYTES = 50, layout.POINTER_LIMIT // 2  # moves that a pointer remembers
LONGEST_NAME, LONGEST_REASON = 200, 1000  # characters, of which each may be 12 bytes in a pointer
LONGEST_VALID_HOURS = 100 * 365 * 24.0


@dataclass(frozen=True)
class Order:
    """What somebody wants done to a channel: an action, who asks, and why.

    Raises UsageError for more than a pointer has room for: no reader would take it.
    """

    action: str
    actor: str
    reason: str

    def __post_init__(self) -> None:
        for text, longest in ((self.actor, LONGEST_NAME), (self.reason, LONGEST_REASON)):
            if len(text) > longest:
                raise UsageError(
                    f"{text[:40]!r}... has {len(text):,} characters: "
                    f"a reason has {LONGEST_REASON:,} at most, a name {LONGEST_NAME}"
                )


@dataclass(frozen=True)
class Standing:
    """What a channel serves after an order; `kept` says why it stayed where it was."""

    pointer: ChannelPointer
    kept: str = ""


def advance(
    publisher: Publisher, channel: str, release: Release, order: Order, older_data: bool = False
) -> Standing:
    """Serve `release`, unless the channel is held, ever served it or a newer one, or would go back
    to data of an older day without `older_data`.

    After a lost race it looks again. Raises StoreError when every attempt is lost, and
    SignatureInvalid when the present pointer is not by a trusted key: nothing is overwritten then.
    """
    for attempt in range(ATTEMPTS):
        current = publisher.catalogue.pointer(channel)
        if current and (why := _why_it_stays(publisher, current.pointer, release, older_data)):
            log.warning("%s stays at release %d: %s", channel, current.pointer.release, why)
            return Standing(current.pointer, why)
        if current and current.pointer.release == release.manifest.number:
            return Standing(current.pointer)
        pointer = point(publisher, current, channel, release, order)
        if _write(publisher, current, pointer):
            return Standing(pointer)
        time.sleep(random.uniform(0, min(LONGEST_PAUSE_S, 0.02 * 2**attempt)))
    raise StoreError(
        f"{publisher.store.uri}: channel {channel} was lost to others {ATTEMPTS} times"
    )


def _why_it_stays(
    publisher: Publisher, pointer: ChannelPointer, release: Release, older_data: bool
) -> str:
    """Why no night may move the channel to this release; empty where it may."""
    number, hold = release.manifest.number, pointer.hold
    if pointer.release == number:
        return ""
    if hold:
        return (
            f"{hold.actor} holds it since {hold.since}: {hold.reason}; "
            "`secateur resume` lets nights move it again"
        )
    if pointer.highest >= number:
        return f"it served release {pointer.highest} before, and goes back only when asked"
    served, ours = _last_day_served(publisher, pointer), release.manifest.last_day
    if served and ours and ours < served and not older_data:
        return (
            f"it serves data up to {served}, and release {number} ends with {ours}: "
            "a channel goes to older data only when asked (older_data)"
        )
    return ""


def _last_day_served(publisher: Publisher, pointer: ChannelPointer) -> str:
    try:
        return publisher.catalogue.release(pointer.release).manifest.last_day
    except ReleaseError as error:  # a new release is what heals such a channel
        log.warning("what %s serves cannot be read: %s", pointer.channel, error)
        return ""


def write_if_unmoved(
    publisher: Publisher, current: TaggedPointer, pointer: ChannelPointer
) -> ChannelPointer:
    """Write `pointer` if the channel is still `current`.

    Raises ReleaseError when the channel moved meanwhile: whoever asked should look again.
    """
    channel = current.pointer.channel
    if not _write(publisher, current, pointer):
        raise ReleaseError(f"{publisher.store.uri}: channel {channel} moved meanwhile; look again")
    return pointer


def point(
    publisher: Publisher,
    current: TaggedPointer | None,
    channel: str,
    release: Release,
    order: Order,
) -> ChannelPointer:
    """The channel's next pointer, to `release`; a hold stays."""
    number, before, now = (
        release.manifest.number,
        current.pointer if current else None,
        layout.now(),
    )
    epoch = before.epoch + 1 if before else 1
    move = Move(order.action, number, epoch, now, order.actor, order.reason)
    return ChannelPointer(
        scenario=publisher.catalogue.scenario,
        channel=channel,
        release=number,
        manifest_sha256=release.sha256,
        epoch=epoch,
        highest=max(number, before.highest if before else 0),
        moved_at=now if before is None or before.release != number else before.moved_at,
        reason=order.reason,
        hold=before.hold if before else None,
        history=tuple(_lately((move, *(before.history if before else ())))),
        renewed_at=now,
        valid_hours=_valid_hours(publisher, before),
    )


def _lately(moves: Iterable[Move]) -> Iterator[Move]:
    """The newest moves that a pointer has room for."""
    room = HISTORY_BYTES
    for move in islice(moves, HISTORY):
        room -= len(record.dump(move))
        if room < 0:
            return
        yield move


def renew(publisher: Publisher, channel: str) -> ChannelPointer:
    """Sign anew what `channel` serves, as fresh as now; it moves nowhere, and a hold stays.

    Raises UsageError where nobody said for how long, ReleaseError without a channel, StoreError
    when every attempt is lost to others.
    """
    for attempt in range(ATTEMPTS):
        current = publisher.catalogue.pointer(channel)
        if current is None:
            raise ReleaseError(f"{publisher.store.uri} has no channel {channel}")
        before = current.pointer
        hours = _valid_hours(publisher, before)
        if not hours:
            raise UsageError(f"for how many days is {channel} good? See release.valid_days")
        pointer = replace(
            before, epoch=before.epoch + 1, renewed_at=layout.now(), valid_hours=hours
        )
        if _write(publisher, current, pointer):
            return pointer
        time.sleep(random.uniform(0, min(LONGEST_PAUSE_S, 0.02 * 2**attempt)))
    raise StoreError(f"{publisher.store.uri}: {channel} was lost to others {ATTEMPTS} times")


def _valid_hours(publisher: Publisher, before: ChannelPointer | None) -> float:
    """Raises UsageError for a time that has run out at once, or that no reader could add up."""
    hours = publisher.valid_hours
    if hours is None:
        return before.valid_hours if before else 0.0
    if not 0 <= hours <= LONGEST_VALID_HOURS:
        raise UsageError(f"a channel is good for 0 to 36,500 days, not for {hours / 24:g}")
    return float(hours)  # a whole number would be signed otherwise than read


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
        if not _is_written(publisher, pointer):
            return False
    except StoreError:
        with contextlib.suppress(SecateurError):  # it may be written, and its answer lost
            if _is_written(publisher, pointer):
                return True
        raise
    log.info("%s serves release %d, epoch %d", pointer.channel, pointer.release, pointer.epoch)
    return True


def _is_written(publisher: Publisher, pointer: ChannelPointer) -> bool:
    now = publisher.catalogue.pointer(pointer.channel)
    return now is not None and now.pointer == pointer

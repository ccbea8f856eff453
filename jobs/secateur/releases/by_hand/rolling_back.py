"""Let a channel serve a release that a person chooses, under a new and higher epoch."""

import logging
from dataclasses import replace

from secateur.contracts.errors import ReleaseError, UsageError
from secateur.contracts.releases import ChannelPointer, Hold
from secateur.releases import canary, channels
from secateur.releases.catalogue import TaggedPointer
from secateur.releases.channels import Order
from secateur.releases.probing import probe
from secateur.releases.publisher import Publisher

log = logging.getLogger("secateur.releases")


def roll_back(
    publisher: Publisher, channel: str, number: int, reason: str, actor: str = ""
) -> ChannelPointer:
    """Move `channel` to release `number`, after pulling and scoring it, and hold it there.

    Nights leave it alone until it is resumed. The way forward again, up to the highest release
    served, is a roll back too; at the highest the hold that a roll back brought is lifted. Raises
    UsageError without a reason or for a release that was never served, ReleaseError when the
    release cannot be trusted any more: the channel stays then.
    """
    order = Order("rolled back", actor, demand_reason(reason))
    current = demand_channel(publisher, channel)
    before = current.pointer
    if before.release == number:
        log.info("%s serves release %d already", channel, number)
        return before
    if number > before.highest:
        raise UsageError(
            f"{channel} never served release {number}: its highest is {before.highest}"
        )
    pointer = choose(publisher, current, number, order)
    hold = before.hold
    if number < before.highest:
        hold = hold or Hold(actor, pointer.moved_at, reason, by_roll_back=True)
    elif hold and hold.by_roll_back:
        hold = None
    return channels.write_if_unmoved(publisher, current, replace(pointer, hold=hold))


def republish(
    publisher: Publisher, channel: str, number: int, reason: str, actor: str = ""
) -> ChannelPointer:
    """Let `channel` serve any signed release, such as one that it was held against.

    Raises UsageError without a reason or where the channel is held, ReleaseError as `roll_back`.
    """
    order = Order("republished", actor, demand_reason(reason))
    current = publisher.catalogue.pointer(channel)
    if current is None:
        probe(publisher.store)
        canary.send(publisher.catalogue, number, publisher.try_out)
        release = publisher.catalogue.release(number)
        return channels.advance(publisher, channel, release, order).pointer
    if current.pointer.hold:
        raise UsageError(f"{channel} is held: {current.pointer.hold.reason}; resume it first")
    if current.pointer.release == number:
        return current.pointer
    pointer = choose(publisher, current, number, order)
    return channels.write_if_unmoved(publisher, current, pointer)


def choose(
    publisher: Publisher, current: TaggedPointer, number: int, order: Order
) -> ChannelPointer:
    """The pointer to release `number`, once it was pulled and scored as a reader would."""
    probe(publisher.store)
    canary.send(publisher.catalogue, number, publisher.try_out)
    release = publisher.catalogue.release(number)
    return channels.point(publisher, current, current.pointer.channel, release, order)


def demand_reason(reason: str) -> str:
    """The reason, which must be there. Raises UsageError."""
    if not reason.strip():
        raise UsageError("this needs a reason: whoever reads the channel will ask")
    return reason


def demand_channel(publisher: Publisher, channel: str) -> TaggedPointer:
    """The channel, which must be there. Raises ReleaseError."""
    current = publisher.catalogue.pointer(channel)
    if current is None:
        raise ReleaseError(f"{publisher.store.uri} has no channel {channel}")
    return current

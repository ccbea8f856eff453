"""Let a channel serve a release that it has served before, under a new and higher epoch."""

import logging

from secateur.contracts.errors import ReleaseError, UsageError
from secateur.contracts.releases import ChannelPointer
from secateur.releases import canary, channels
from secateur.releases.probing import probe
from secateur.releases.publisher import Publisher

log = logging.getLogger("secateur.releases")


def roll_back(publisher: Publisher, channel: str, number: int, reason: str) -> ChannelPointer:
    """Move `channel` to release `number`, after pulling and scoring it; record `reason`.

    The way forward again, up to the highest release served, is a roll back too. Raises
    UsageError without a reason or for a release that was never served, ReleaseError when the
    release cannot be trusted any more: the channel stays then.
    """
    if not reason.strip():
        raise UsageError("a roll back needs a reason: whoever reads the channel will ask")
    catalogue = publisher.catalogue
    current = catalogue.pointer(channel)
    if current is None:
        raise ReleaseError(f"{publisher.store.uri} has no channel {channel}")
    if current.pointer.release == number:
        log.info("%s serves release %d already", channel, number)
        return current.pointer
    if number > current.pointer.highest:
        raise UsageError(
            f"{channel} never served release {number}: its highest is {current.pointer.highest}"
        )
    probe(publisher.store)
    canary.send(catalogue, number, publisher.try_out)
    return channels.move_back(publisher, current, catalogue.release(number), reason)

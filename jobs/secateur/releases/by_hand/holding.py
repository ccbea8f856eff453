"""Keep a channel where it is, or at a release, until somebody lets nights move it again."""

from dataclasses import replace

from secateur.contracts.releases import ChannelPointer, Hold
from secateur.releases import channels
from secateur.releases.by_hand.rolling_back import choose, demand_channel, demand_reason
from secateur.releases.channels import Order
from secateur.releases.publisher import Publisher


def hold(
    publisher: Publisher, channel: str, reason: str, actor: str = "", number: int | None = None
) -> ChannelPointer:
    """Keep `channel` at what it serves, or pin it to release `number`, which is tried out first.

    Raises UsageError without a reason, ReleaseError without a channel, where the release cannot be
    trusted, and where the channel moved meanwhile.
    """
    current = demand_channel(publisher, channel)
    wanted = current.pointer.release if number is None else number
    order = Order("held", actor, demand_reason(reason))
    if wanted == current.pointer.release:
        release = publisher.catalogue.release(wanted)
        pointer = channels.point(publisher, current, channel, release, order)
    else:
        pointer = choose(publisher, current, wanted, order)
    held = replace(pointer, hold=Hold(actor, pointer.history[0].at, reason))
    return channels.write_if_unmoved(publisher, current, held)


def resume(publisher: Publisher, channel: str, reason: str, actor: str = "") -> ChannelPointer:
    """Let nights move `channel` again; what it serves stays until one does.

    Raises UsageError without a reason, ReleaseError as `hold`.
    """
    current = demand_channel(publisher, channel)
    order = Order("resumed", actor, demand_reason(reason))
    if current.pointer.hold is None:
        return current.pointer
    release = publisher.catalogue.release(current.pointer.release)
    pointer = channels.point(publisher, current, channel, release, order)
    return channels.write_if_unmoved(publisher, current, replace(pointer, hold=None))

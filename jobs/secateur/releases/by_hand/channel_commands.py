"""The commands of `secateur` that change a channel or a store, or tell how a channel came here."""

import argparse
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from secateur.contracts.errors import ReleaseError
from secateur.display.readable import readable_age, readable_size
from secateur.flags import Parser, moving_flags, roll_back_flags
from secateur.releases.by_hand.answers import is_told_as_json, say

if TYPE_CHECKING:
    from secateur.contracts.releases import ChannelPointer
    from secateur.releases.publisher import Publisher


def add_channel_flags(parser: Parser, run: Callable[[argparse.Namespace], None]) -> None:
    """Give a command below its flags; a shell knows no scenario, so its channel is `latest`."""
    if run is run_rollback:
        roll_back_flags(parser)
    elif run in (run_history, run_renew):
        parser.add_argument("--channel")
    else:
        moving_flags(parser)
    if run is run_hold:
        parser.add_argument("--release", type=int, help="pin it to this one")
    if run is run_renew:
        parser.add_argument("--days", type=float, help="default: as long as it was good for")
    parser.set_defaults(channel="latest")


def run_rollback(arguments: argparse.Namespace) -> None:
    """Let a channel serve an earlier release, after it was pulled and scored, and hold it there."""
    from secateur.releases.by_hand.rolling_back import roll_back

    asked = arguments
    pointer = roll_back(_publisher(asked), asked.channel, asked.release, asked.reason, asked.by)
    _tell(asked, pointer)


def run_hold(arguments: argparse.Namespace) -> None:
    """Keep a channel where it is, or pin it to a release: no night moves it until `resume`."""
    from secateur.releases.by_hand.holding import hold

    asked = arguments
    pointer = hold(_publisher(asked), asked.channel, asked.reason, asked.by, asked.release)
    _tell(asked, pointer)


def run_resume(arguments: argparse.Namespace) -> None:
    """Let nights move a channel again."""
    from secateur.releases.by_hand.holding import resume

    asked = arguments
    _tell(asked, resume(_publisher(asked), asked.channel, asked.reason, asked.by))


def run_renew(arguments: argparse.Namespace) -> None:
    """Sign anew what a channel serves: readers believe it for so many days from now."""
    from secateur.releases import channels

    days, publisher = arguments.days, _publisher(arguments)
    if days is not None:
        publisher = replace(publisher, valid_hours=24 * days)
    _tell(arguments, channels.renew(publisher, arguments.channel))


def run_history(arguments: argparse.Namespace) -> None:
    """List the last moves of a channel, newest first: what, when, by whom and why."""
    from secateur.releases.catalogue import Catalogue
    from secateur.releases.signing import Trust

    pointed = Catalogue.at(arguments.uri, Trust.of()).pointer(arguments.channel)
    if pointed is None:
        raise ReleaseError(f"{arguments.uri} has no channel {arguments.channel}")
    if is_told_as_json(arguments, pointed.pointer.history):
        return
    row = "{:>5}  {:<25}  {:>10}  {:<11}  {:>7}  {:<12}  {}".format
    say(row("epoch", "at", "age", "what", "release", "by", "why"))
    for m in pointed.pointer.history:
        say(row(m.epoch, m.at, readable_age(m.at), m.action, m.release, m.actor, m.reason))


def run_sweep(arguments: argparse.Namespace) -> None:
    """Delete releases that are old and not served, and the blobs they alone name."""
    from secateur.releases import sweeping
    from secateur.releases.catalogue import Catalogue
    from secateur.releases.signing import Trust

    catalogue, grace_s = Catalogue.at(arguments.uri, Trust.of()), arguments.grace_hours * 3600
    receipt = sweeping.sweep(catalogue, arguments.keep, grace_s, dry_run=not arguments.delete)
    if is_told_as_json(arguments, receipt):
        return
    word = "would delete" if receipt.dry_run else "deleted"
    numbers = list(receipt.releases)
    say(f"{word} releases {numbers} and {receipt.blobs} blobs: {readable_size(receipt.bytes)}")


def _publisher(arguments: argparse.Namespace) -> "Publisher":
    from secateur.releases.publisher import Publisher

    return Publisher.at(arguments.uri)


def _tell(arguments: argparse.Namespace, pointer: "ChannelPointer") -> None:
    if is_told_as_json(arguments, pointer):
        return
    held = f", held by {pointer.hold.actor}" if pointer.hold else ""
    good = f", good until {pointer.expires_at.isoformat()}" if pointer.expires_at else ""
    say(f"{pointer.channel} serves release {pointer.release}, epoch {pointer.epoch}{held}{good}")

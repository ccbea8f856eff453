"""`secateur mirror`: a release as plain files, for platforms that copy a folder and serve it."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from secateur.flags import Parser
from secateur.releases.by_hand.answers import is_told_as_json, say

if TYPE_CHECKING:
    from secateur.releases.pulling import PulledRelease


def add_mirror_flags(parser: Parser) -> None:
    """Which release, and below what it is mirrored."""
    parser.add_argument(
        "--output", required=True, metavar="URI", help="the mirror is a new folder below it"
    )
    parser.add_argument("--channel", default="latest")
    parser.add_argument("--release", type=int, help="this one, whatever the channel serves")
    parser.add_argument("--cache", type=Path, help="default: $XDG_CACHE_HOME/secateur")


def run_mirror(arguments: argparse.Namespace) -> None:
    """Write a release as plain files below a prefix of its own; print KServe's storageUri of it.

    `secateur serve FOLDER` serves a copy of them, and `secateur verify FOLDER` verifies it, without
    the store. The name of the prefix is told once all of it is there.
    """
    from secateur.releases.catalogue import Catalogue
    from secateur.releases.mirrors.write_mirror import write_mirror
    from secateur.releases.pulling import pull
    from secateur.releases.signing import Trust

    asked = arguments
    pulled = pull(asked.uri, asked.channel, asked.release, asked.cache)
    receipt = write_mirror(Catalogue.at(asked.uri, Trust.of()), pulled, asked.output)
    if not is_told_as_json(arguments, receipt):
        say(receipt.uri)


def verified_mirror(folder: Path) -> "PulledRelease":
    """A mirror, its signature, bytes and golden scores verified; see `open_mirror`."""
    from secateur.releases.mirrors.read_mirror import open_mirror, rescore_mirror
    from secateur.releases.signing import Trust

    release = open_mirror(folder, Trust.of())
    rescore_mirror(release)
    return release

"""The commands of `secateur` that pull, show and list what is published."""

import argparse
from typing import TYPE_CHECKING

from secateur.contracts.errors import ObjectMissing, ReleaseError
from secateur.display.progress import advance_progress, progress_of
from secateur.display.readable import readable_age, readable_size
from secateur.releases.by_hand.answers import is_told_as_json, say

if TYPE_CHECKING:
    from secateur.contracts.releases import ChannelPointer, ReleaseManifest
    from secateur.releases.catalogue import Catalogue
    from secateur.releases.pulling import PulledRelease


def run_pull(arguments: argparse.Namespace) -> None:
    """Copy a release, verify every byte, print its folder."""
    pulled = pull_as_asked(arguments)
    if arguments.bundle is not None:
        arguments.bundle.write_bytes(_bundle(_catalogue(arguments.uri), pulled.manifest.number))
    answer = {
        "folder": str(pulled.folder),
        "release": pulled.manifest.number,
        "bytes": pulled.manifest.bytes,
        "epoch": pulled.pointer.epoch if pulled.pointer else None,
        "offline": pulled.offline,
    }
    if not is_told_as_json(arguments, answer):
        say(str(pulled.folder))


def run_pem(_arguments: argparse.Namespace) -> None:
    """Print the public key, as PEM, that OpenSSF's `model_signing verify key` takes."""
    from secateur.releases.signatures import p256
    from secateur.releases.signing import Signer

    say(p256.public_pem(Signer.of()).decode().rstrip())


def run_show(arguments: argparse.Namespace) -> None:
    """Print what a channel serves, without copying it."""
    catalogue = _catalogue(arguments.uri)
    number, served = arguments.release, None
    if number is None:
        pointed = catalogue.pointer(arguments.channel)
        if pointed is None:
            raise ReleaseError(f"{arguments.uri} has no channel {arguments.channel}")
        served = pointed.pointer
        number = served.release
    manifest = catalogue.release(number).manifest
    if is_told_as_json(arguments, {"channel": served, "release": manifest}):
        return
    if served is not None:
        _say_channel(served)
    _say_release(manifest)


def _bundle(catalogue: "Catalogue", number: int) -> bytes:
    """The OpenSSF bundle of a release. Raises ReleaseError where it is older than bundles are."""
    from secateur.releases import layout

    try:
        return catalogue.store.get(layout.bundle_key(number), layout.BUNDLE_LIMIT).data
    except ObjectMissing as error:
        raise ReleaseError(f"release {number} has no model-signing bundle") from error


def run_verify(arguments: argparse.Namespace) -> None:
    """Check every signature, byte and golden score, of a fresh copy or of a mirror as it lies."""
    from secateur.releases import canary
    from secateur.releases.by_hand.mirror_command import verified_mirror
    from secateur.releases.mirrors.read_mirror import mirror_folder

    folder = mirror_folder(arguments.uri)
    if folder is None:
        manifest = pull_as_asked(arguments).manifest
        canary.send(_catalogue(arguments.uri), manifest.number)
    else:
        manifest = verified_mirror(folder).manifest
        if arguments.release not in (None, manifest.number):
            raise ReleaseError(f"{folder} holds release {manifest.number}, not {arguments.release}")
    found = {"release": manifest.number, "files": len(manifest.files), "bytes": manifest.bytes}
    if not is_told_as_json(arguments, found):
        size = readable_size(manifest.bytes)
        say(
            f"release {manifest.number}: {len(manifest.files)} files, {size}; "
            "signatures, bytes and golden scores hold"
        )


def run_releases(arguments: argparse.Namespace) -> None:
    """List all releases, newest first, and which channels serve them."""
    catalogue = _catalogue(arguments.uri)
    served = _channels_by_release(catalogue)
    releases = _all_releases(catalogue)
    if not releases:
        raise ReleaseError(f"{arguments.uri} has no release; is it <root>/<scenario>?")
    answer = [{"channels": served.get(m.number, []), "release": m} for m in releases]
    if is_told_as_json(arguments, answer):
        return
    row = "{:>7}  {:<25}  {:>10}  {:<24}  {:>8}  {:>6}  {}".format
    say(row("release", "published_at", "age", "recipe", "size", "ratio", "channels"))
    for m in releases:
        channels, age = ", ".join(served.get(m.number, [])), readable_age(m.published_at)
        size = readable_size(m.bytes)
        say(row(m.number, m.published_at, age, m.recipe, size, _ratio(m), channels).rstrip())


def _all_releases(catalogue: "Catalogue") -> "list[ReleaseManifest]":
    from secateur.releases import layout

    found: list[ReleaseManifest] = []
    with progress_of("reading releases", len(layout.numbers(catalogue.store)), "releases"):
        for release in catalogue.releases():
            found.append(release.manifest)
            advance_progress(1)
    return found


def run_why(arguments: argparse.Namespace) -> None:
    """Walk from a digest, such as a served file's, to the data, code and gates behind it."""
    from secateur.releases.by_hand.lineage import why

    origins = why(_catalogue(arguments.uri), arguments.digest, arguments.runs)
    if is_told_as_json(arguments, origins):
        return
    for origin in origins:
        for line in origin.lines():
            say(line)


def pull_as_asked(arguments: argparse.Namespace) -> "PulledRelease":
    """The release that a command's flags name."""
    from secateur.releases.pulling import pull

    a = arguments
    return pull(a.uri, a.channel, a.release, a.cache, offline=a.offline)


def _catalogue(uri: str) -> "Catalogue":
    from secateur.releases.catalogue import Catalogue
    from secateur.releases.signing import Trust

    return Catalogue.at(uri, Trust.of())


def _channels_by_release(catalogue: "Catalogue") -> dict[int, list[str]]:
    from secateur.releases import layout

    served: dict[int, list[str]] = {}
    for channel in layout.channels(catalogue.store):
        pointed = catalogue.pointer(channel)
        if pointed:
            served.setdefault(pointed.pointer.release, []).append(channel)
    return served


def _say_channel(served: "ChannelPointer") -> None:
    since = f"since {served.moved_at} ({readable_age(served.moved_at)})"
    say(f"channel       {served.channel}, epoch {served.epoch}, {since}")
    say(f"reason        {served.reason}")
    if served.hold:
        since = f"{served.hold.since} ({readable_age(served.hold.since)})"
        say(f"held          by {served.hold.actor} since {since}")
    if served.expires_at:
        left = readable_age(served.expires_at)
        say(f"good until    {served.expires_at.isoformat()} ({left})")


def _say_release(manifest: "ReleaseManifest") -> None:
    say(f"release       {manifest.number}")
    say(f"recipe        {manifest.recipe}")
    size = f"{readable_size(manifest.bytes)} ({manifest.bytes:,} bytes)"
    say(f"size          {size}, {_ratio(manifest)} smaller than the dense model")
    say(f"published_at  {manifest.published_at} ({readable_age(manifest.published_at)})")
    if (approval := manifest.approval) is not None:
        say(f"approved      by {approval.words}")
    if (override := manifest.override) is not None:
        say(f"override      by {' and '.join(override.approvals)}: {override.reason}")
        say(f"refused for   {override.refusal}")
    if manifest.days:
        say(f"days          {manifest.days[0]} to {manifest.last_day}, {len(manifest.days)} days")
    say(f"package       {manifest.package}")
    say(f"verdict       {manifest.verdict}")


def _ratio(manifest: "ReleaseManifest") -> str:
    return f"{manifest.dense_bytes / max(manifest.bytes, 1):.1f}x"

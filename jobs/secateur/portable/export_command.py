"""`secateur export`: a release as one ONNX file for services in other languages.

    secateur export s3://models/short_video --onnx short_video.onnx --golden golden.json

The file reads raw values and gives `probability`: vocabularies, buckets, scales, lists and tables
are inside, so that any ONNX Runtime scores with it and no code of ours. It is written once the
golden rows score as the client scores them, within 1e-6; `--golden` writes these rows, with their
scores, to check the other language by. Users come as their keyed hash: the first 16 hex digits of
HMAC-SHA256 under SECATEUR_ID_KEY, as a uint64. See the guide to the client.

With `--publish` both files become a release of <root>/<scenario>_portable, signed by
SECATEUR_SIGNING_KEY, on the channel of the same name: others pull it by the release format, and
`secateur mirror` lays it out as a model repository for Triton.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from secateur.flags import Parser
from secateur.portable.export import PortableModel, export_onnx
from secateur.portable.golden_file import kind_of, write_golden
from secateur.portable.portable_release import portable_uri, publish_portable
from secateur.releases.publisher import Publisher
from secateur.releases.pulling import PulledRelease, pull
from secateur.serving.portable_model import PORTABLE


def run_export_command(argv: Sequence[str]) -> None:
    """Pull, export, check and write. Raises what `secateur.pull` and `export_onnx` do."""
    parser = _parser()
    asked = parser.parse_args(argv)
    if not (asked.onnx or asked.publish):
        parser.error("say --onnx FILE, --publish, or both")
    release = pull(asked.uri, asked.channel, asked.release, asked.cache)
    found = export_onnx(release.folder, _facts(release))
    if asked.onnx:
        asked.onnx.write_bytes(found.model)
    if asked.golden:
        write_golden(found.check, asked.golden)
    told = {
        "onnx": str(asked.onnx) if asked.onnx else None,
        "published": _publish(asked, release, found) if asked.publish else None,
        "bytes": len(found.model),
        "package_bytes": release.manifest.bytes,
        "release": release.manifest.number,
        "golden_rows": len(next(iter(found.check.scores.values()))),
        "largest_difference": found.check.difference,
        "inputs": {name: kind_of(one) for name, one in found.check.inputs.items()},
        "outputs": [*found.check.scores],
    }
    sys.stdout.write(json.dumps(told, indent=2) + "\n")


def _parser() -> Parser:
    parser = Parser(
        prog="secateur export",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("uri", metavar="URI", help="<root>/<scenario>: s3://models/short_video")
    parser.add_argument("--onnx", type=Path, help="the file to write")
    parser.add_argument(
        "--publish", action="store_true", help=f"make it a release of <root>/<scenario>{PORTABLE}"
    )
    parser.add_argument("--golden", type=Path, help="golden rows and their scores, as JSON")
    parser.add_argument("--channel", default="latest")
    parser.add_argument("--release", type=int, help="this one, whatever the channel serves")
    parser.add_argument("--cache", type=Path, help="default: $XDG_CACHE_HOME/secateur")
    return parser


def _publish(
    asked: argparse.Namespace, release: PulledRelease, model: PortableModel
) -> dict[str, object]:
    """Publish it on the same channel of its own store; what became of it."""
    publisher = Publisher.at(portable_uri(asked.uri))
    receipt = publish_portable(publisher, asked.channel, release.manifest, model)
    return {"uri": publisher.store.uri, "release": receipt.number, "served": receipt.served}


def _facts(release: PulledRelease) -> dict[str, str]:
    """What the file tells of where it comes from, among its metadata."""
    manifest = release.manifest
    return {
        "release": str(manifest.number),
        "package": manifest.package,
        "recipe": manifest.recipe,
        "published_at": manifest.published_at,
    }

"""`secateur export`: a release as one ONNX file for services in other languages.

    secateur export s3://models/short_video --onnx short_video.onnx --golden golden.json

The file reads raw values and gives `probability`: vocabularies, buckets, scales, lists and tables
are inside, so that any ONNX Runtime scores with it and no code of ours. It is written once the
golden rows score as the client scores them, within 1e-6; `--golden` writes these rows, with their
scores, to check the other language by. Users come as their keyed hash: the first 16 hex digits of
HMAC-SHA256 under SECATEUR_ID_KEY, as a uint64. See the guide to the client.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from secateur.flags import Parser
from secateur.portable.check import Check
from secateur.portable.export import export_onnx
from secateur.releases.pulling import PulledRelease, pull

_KINDS = {"O": "string", "u": "uint64"}


def run_export_command(argv: Sequence[str]) -> None:
    """Pull, export, check and write. Raises what `secateur.pull` and `export_onnx` do."""
    asked = _parser().parse_args(argv)
    release = pull(asked.uri, asked.channel, asked.release, asked.cache)
    found = export_onnx(release.folder, _facts(release))
    asked.onnx.write_bytes(found.model)
    if asked.golden:
        asked.golden.write_text(json.dumps(_golden(found.check), allow_nan=False) + "\n")
    told = {
        "onnx": str(asked.onnx),
        "bytes": len(found.model),
        "package_bytes": release.manifest.bytes,
        "release": release.manifest.number,
        "golden_rows": len(next(iter(found.check.scores.values()))),
        "largest_difference": found.check.difference,
        "inputs": {name: _kind_of(one) for name, one in found.check.inputs.items()},
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
    parser.add_argument("--onnx", type=Path, required=True, help="the file to write")
    parser.add_argument("--golden", type=Path, help="golden rows and their scores, as JSON")
    parser.add_argument("--channel", default="latest")
    parser.add_argument("--release", type=int, help="this one, whatever the channel serves")
    parser.add_argument("--cache", type=Path, help="default: $XDG_CACHE_HOME/secateur")
    return parser


def _facts(release: PulledRelease) -> dict[str, str]:
    """What the file tells of where it comes from, among its metadata."""
    manifest = release.manifest
    return {
        "release": str(manifest.number),
        "package": manifest.package,
        "recipe": manifest.recipe,
        "published_at": manifest.published_at,
    }


def _golden(check: Check) -> dict[str, Any]:
    inputs = {
        name: {"type": _kind_of(one), "dims": [*one.shape], "data": _plain_values(one)}
        for name, one in check.inputs.items()
    }
    return {"inputs": inputs, "outputs": {n: one.tolist() for n, one in check.scores.items()}}


def _kind_of(values: NDArray[Any]) -> str:
    return _KINDS.get(values.dtype.kind, str(values.dtype))


def _plain_values(values: NDArray[Any]) -> list[Any]:
    """In row-major order, null for NaN; a uint64 is more than JSON's numbers hold: a text."""
    flat = values.ravel()
    if flat.dtype.kind == "u":
        return [str(value) for value in flat.tolist()]
    is_float = flat.dtype.kind == "f"
    return [None if is_float and np.isnan(value) else value for value in flat.tolist()]

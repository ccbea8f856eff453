"""Portable models in the store: releases of their own, beside the packages that they are made of.

Those of `<root>/<scenario>` lie in `<root>/<scenario>_portable`, with numbers, signatures and
channels of their own, as snapshots do: what holds for a release holds for them, and a reader in any
language needs the page on the release format alone.
"""

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from secateur.artifacts import sha256_file
from secateur.contracts.manifest import FileEntry
from secateur.contracts.releases import PublishReceipt, ReleaseManifest
from secateur.portable.export import PortableModel
from secateur.portable.golden_file import write_golden
from secateur.portable.triton_config import triton_config
from secateur.releases.publisher import Publisher
from secateur.releases.publishing import publish_files
from secateur.serving.portable_model import CONFIG, GOLDEN, MODEL, PORTABLE


def portable_uri(uri: str) -> str:
    """Where the portable models of `<root>/<scenario>` lie."""
    return uri.rstrip("/") + PORTABLE


def publish_portable(
    publisher: Publisher, channel: str, source: ReleaseManifest, model: PortableModel
) -> PublishReceipt:
    """Make the portable form of the release `source` a release, and let `channel` serve it.

    One package has one portable release: published again, nothing is written. Raises what
    `publishing.publish_files` does.
    """
    with TemporaryDirectory(prefix="secateur-portable-") as temporary:
        folder = Path(temporary)
        (folder / MODEL).write_bytes(model.model)
        (folder / CONFIG).write_text(triton_config(model.check))
        write_golden(model.check, folder / GOLDEN)
        files = tuple(
            FileEntry(name, sha256_file(folder / name), (folder / name).stat().st_size)
            for name in (CONFIG, GOLDEN, MODEL)
        )
        scenario = publisher.catalogue.scenario
        draft = replace(source, scenario=scenario, number=0, published_at="", files=files)
        return publish_files(publisher, channel, draft, folder)

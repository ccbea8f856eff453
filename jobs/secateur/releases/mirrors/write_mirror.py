"""Write a release's mirror: its verified files and their seal, and nothing over what lies there."""

import contextlib
import hashlib
from dataclasses import dataclass
from pathlib import Path

from secateur.contracts.errors import ObjectMissing, PreconditionFailed, ReleaseError
from secateur.contracts.manifest import MANIFEST, FileEntry
from secateur.display.progress import advance_progress, progress_of
from secateur.releases import layout
from secateur.releases.catalogue import Catalogue, Release
from secateur.releases.mirrors import mirror_layout
from secateur.releases.pulling import PulledRelease
from secateur.storage import Store, join, open_store


@dataclass(frozen=True)
class MirrorReceipt:
    """A mirror that is whole. `uri` ends in a slash; `written` counts the objects that are new."""

    uri: str
    scenario: str
    release: int
    manifest_sha256: str
    files: int
    bytes: int
    written: int


def write_mirror(catalogue: Catalogue, pulled: PulledRelease, output: str) -> MirrorReceipt:
    """Mirror a pulled release below `output`; what an earlier attempt has written stays.

    Raises ReleaseError where other bytes lie there: nothing is ever overwritten; StoreError.
    """
    open_store(output)
    found = catalogue.release(pulled.manifest.number)
    target = open_store(join(output, mirror_layout.mirror_name(found)))
    placed = mirror_layout.places(found.manifest)
    written = sum(_put(target, key, data) for key, data in _seal(catalogue, found).items())
    with progress_of(f"mirroring release {found.manifest.number}", found.manifest.bytes):
        for key, entry in placed.items():
            written += _put_file(target, key, pulled.folder / entry.path, entry)
    return MirrorReceipt(
        uri=f"{target.uri}/",
        scenario=found.manifest.scenario,
        release=found.manifest.number,
        manifest_sha256=found.sha256,
        files=len(placed),
        bytes=found.manifest.bytes,
        written=written,
    )


def _seal(catalogue: Catalogue, release: Release) -> dict[str, bytes]:
    """The manifest and what is signed of it, by their keys in a mirror."""
    store, number = catalogue.store, release.manifest.number
    signature = store.get(layout.signature_key(number), layout.SIGNATURE_LIMIT).data
    catalogue.trust.verify(release.data, signature.decode(errors="replace"), store.uri)
    seal = {MANIFEST: release.data, mirror_layout.SIGNATURE: signature}
    if not mirror_layout.holds_portable(release.manifest):  # whose paths are not its bundle's
        with contextlib.suppress(ObjectMissing):  # a release that is older than bundles are
            bundle = store.get(layout.bundle_key(number), layout.BUNDLE_LIMIT)
            seal[mirror_layout.BUNDLE] = bundle.data
    return seal


def _put(target: Store, key: str, data: bytes) -> bool:
    """Write a small object; False where it is there. Raises ReleaseError for other bytes."""
    try:
        target.put_new(key, data)
    except PreconditionFailed:
        if target.get(key).data != data:
            raise _otherwise(target, key) from None
        return False
    return True


def _put_file(target: Store, key: str, path: Path, entry: FileEntry) -> bool:
    """The same of a file; one that is there is not sent."""
    if not target.exists(key):
        with contextlib.suppress(PreconditionFailed):
            target.put_file(key, path, new=True, sha256=entry.sha256)
            return True
    digest = hashlib.sha256()
    for part in target.read_parts(key, entry.bytes):
        digest.update(part)
        advance_progress(len(part))
    if digest.hexdigest() != entry.sha256:
        raise _otherwise(target, key)
    return False


def _otherwise(target: Store, key: str) -> ReleaseError:
    return ReleaseError(f"{target.uri}/{key} holds other bytes: choose another --output")

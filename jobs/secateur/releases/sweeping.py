"""Free the space of releases that no channel serves and no reader needs."""

import logging
import time

from secateur.contracts import record
from secateur.contracts.errors import CorruptArtifact, ObjectMissing, UsageError
from secateur.contracts.releases import ReleaseManifest, SweepReceipt
from secateur.flags import GRACE_HOURS
from secateur.releases import layout
from secateur.releases.catalogue import Catalogue
from secateur.storage import Store, StoredObject

log = logging.getLogger("secateur.releases")

GRACE_S = GRACE_HOURS * 3600


def sweep(
    catalogue: Catalogue, keep: int, grace_s: float = GRACE_S, dry_run: bool = True
) -> SweepReceipt:
    """Delete all but the `keep` newest releases, then the blobs that no release names.

    Kept in any case: what a channel serves, and everything written less than `grace_s` seconds
    ago, which may belong to a release in the making. Raises UsageError for `keep` < 1, and
    SignatureInvalid or ReleaseError when a channel cannot be read: then nothing is deleted.
    """
    if keep < 1:
        raise UsageError(f"keep at least one release, not {keep}")
    store, before = catalogue.store, time.time() - grace_s
    doomed = _releases_to_delete(catalogue, keep, before)
    blobs = _blobs_to_delete(store, set(doomed), before)
    litter = [entry for entry in store.entries(layout.PROBES) if entry.modified < before]
    if not dry_run:
        for number in doomed:
            # Invisible first: no reader may find a release whose blobs are going.
            store.delete(layout.signature_key(number))
            store.delete(layout.manifest_key(number))
        for key in (entry.key for entry in (*blobs, *litter)):
            # Look once more: a publisher renews the blobs that it takes over from an older release.
            if any(one.key == key and one.modified < before for one in store.entries(key)):
                store.delete(key)
    receipt = SweepReceipt(
        catalogue.scenario, dry_run, tuple(doomed), len(blobs), sum(entry.bytes for entry in blobs)
    )
    log.info("%s %s", "would delete" if dry_run else "deleted", receipt)
    return receipt


def _releases_to_delete(catalogue: Catalogue, keep: int, before: float) -> list[int]:
    """Numbers of the old releases that may go; an unsigned one only below the newest signed."""
    visible = [release.manifest.number for release in catalogue.releases()]
    pointers = map(catalogue.pointer, layout.channels(catalogue.store))
    served = {one.pointer.release for one in pointers if one}
    kept = {*visible[:keep], *served}
    written = {e.key: e.modified for e in catalogue.store.entries(layout.RELEASES)}
    old = (n for n in layout.numbers(catalogue.store) if written[layout.manifest_key(n)] < before)
    return [n for n in old if n not in kept and n < max(visible, default=0)]


def _blobs_to_delete(store: Store, doomed: set[int], before: float) -> list[StoredObject]:
    named = {sha for n in layout.numbers(store) if n not in doomed for sha in _blobs_of(store, n)}
    keys = {layout.blob_key(sha) for sha in named}
    return [e for e in store.entries(layout.BLOBS) if e.key not in keys and e.modified < before]


def _blobs_of(store: Store, number: int) -> set[str]:
    """What a manifest names, signed or not yet: a publisher may be about to sign it."""
    try:
        data = store.get(layout.manifest_key(number), layout.MANIFEST_LIMIT).data
        return {entry.sha256 for entry in record.from_json(ReleaseManifest, data).files}
    except (ObjectMissing, CorruptArtifact):
        return set()

"""Free the space of releases that no channel serves and no reader needs."""

import logging
import time
from collections.abc import Iterable

from secateur.contracts import record
from secateur.contracts.errors import CorruptArtifact, ObjectMissing, UsageError
from secateur.contracts.releases import ReleaseManifest, SweepReceipt
from secateur.releases import layout
from secateur.releases.catalogue import Catalogue
from secateur.releases.maintenance_flags import GRACE_HOURS
from secateur.storage import Entry, Store

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
    doomed = _doomed_releases(catalogue, keep, before)
    blobs = _doomed_blobs(store, set(doomed), before)
    litter = [entry for entry in store.entries(layout.PROBES) if entry.modified < before]
    if not dry_run:
        for number in doomed:
            # Invisible first: no reader may find a release whose blobs are going.
            store.delete(layout.signature_key(number))
            store.delete(layout.manifest_key(number))
        for entry in (*blobs, *litter):
            _delete_if_still_old(store, entry.key, before)
    receipt = SweepReceipt(
        catalogue.scenario, dry_run, tuple(doomed), len(blobs), sum(entry.bytes for entry in blobs)
    )
    log.info("%s %s", "would delete" if dry_run else "deleted", receipt)
    return receipt


def _doomed_releases(catalogue: Catalogue, keep: int, before: float) -> list[int]:
    """Numbers of the releases to delete, and of those never signed below the newest signed one."""
    visible = [release.manifest.number for release in catalogue.releases()]
    kept = {*visible[:keep], *_served(catalogue)}
    written = {e.key: e.modified for e in catalogue.store.entries(layout.RELEASES)}
    old = (n for n in layout.numbers(catalogue.store) if written[layout.manifest_key(n)] < before)
    return [n for n in old if n not in kept and n < max(visible, default=0)]


def _served(catalogue: Catalogue) -> Iterable[int]:
    for channel in layout.channels(catalogue.store):
        pointed = catalogue.pointer(channel)
        if pointed:
            yield pointed.pointer.release


def _doomed_blobs(store: Store, doomed: set[int], before: float) -> list[Entry]:
    named = {sha for n in layout.numbers(store) if n not in doomed for sha in _blobs_of(store, n)}
    keys = {layout.blob_key(sha) for sha in named}
    return [e for e in store.entries(layout.BLOBS) if e.key not in keys and e.modified < before]


def _blobs_of(store: Store, number: int) -> set[str]:
    """What a manifest names, signed or not yet: a publisher may be about to sign it."""
    try:
        data = store.get(layout.manifest_key(number), layout.MANIFEST_LIMIT).data
        return {entry.sha256 for entry in record.load(ReleaseManifest, data).files}
    except (ObjectMissing, CorruptArtifact):
        return set()


def _delete_if_still_old(store: Store, key: str, before: float) -> None:
    """Look once more: a publisher renews the blobs that it takes over from an older release."""
    if any(e.key == key and e.modified < before for e in store.entries(key)):
        store.delete(key)

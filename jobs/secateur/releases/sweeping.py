"""Free the space of releases that no channel serves and no reader needs."""

import contextlib
import logging
import secrets
import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import pairwise

from secateur.contracts import record
from secateur.contracts.errors import (
    CorruptArtifact,
    ObjectMissing,
    ReleaseError,
    SecateurError,
    UsageError,
)
from secateur.contracts.releases import ChannelPointer, ReleaseManifest, SweepReceipt
from secateur.display.progress import advance_progress, progress_of
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

    Kept in any case: what a channel serves or served less than `grace_s` seconds ago, and all that
    was written in that time by the store's own clock, which may belong to a release in the making.
    A release leaves its manifest under its package's name, so that no late task serves it again.
    Raises UsageError for `keep` < 1, and SignatureInvalid or ReleaseError when a channel cannot be
    read: then nothing is deleted.
    """
    if keep < 1:
        raise UsageError(f"keep at least one release, not {keep}")
    store = catalogue.store
    before = _time_of(store, dry_run) - grace_s
    written = layout.manifests(store)
    doomed = _releases_to_delete(catalogue, written, keep, before)
    blobs = _blobs_to_delete(catalogue, written.keys() - set(doomed), before)
    litter = [entry for entry in store.entries(layout.PROBES) if entry.modified < before]
    if not dry_run:
        with progress_of("deleting", len(doomed) + len(blobs) + len(litter), "objects"):
            _delete_all(catalogue, doomed, [entry.key for entry in (*blobs, *litter)], before)
    receipt = SweepReceipt(
        catalogue.scenario, dry_run, tuple(doomed), len(blobs), sum(entry.bytes for entry in blobs)
    )
    log.info("%s %s", "would delete" if dry_run else "deleted", receipt)
    return receipt


def _delete_all(
    catalogue: Catalogue, doomed: Iterable[int], keys: Iterable[str], before: float
) -> None:
    store = catalogue.store
    for number in doomed:
        _delete_release(catalogue, number)
        advance_progress(1)
    for key in keys:
        # Look once more: a publisher renews the blobs that it takes over from an older release.
        if any(one.key == key and one.modified < before for one in store.entries(key)):
            store.delete(key)
        advance_progress(1)


def _time_of(store: Store, dry_run: bool) -> float:
    """Seconds since 1970 as the store tells them, which dates what is written there."""
    key = f"{layout.PROBES}{secrets.token_hex(8)}"
    try:
        store.put(key, b"")
        times = [entry.modified for entry in store.entries(key)]
        store.delete(key)
    except SecateurError:
        if not dry_run:
            raise
        times = []  # who only asks may not be allowed to write
    return times[0] if times else time.time()


def _releases_to_delete(
    catalogue: Catalogue, written: Mapping[int, StoredObject], keep: int, before: float
) -> list[int]:
    """Numbers of the old releases that may go; an unsigned one only below the newest signed."""
    visible = [release.manifest.number for release in catalogue.releases()]
    pointers = [catalogue.pointer(name) for name in layout.channels(catalogue.store)]
    served = {n for one in pointers if one for n in _lately_served(one.pointer, written, before)}
    kept = {*visible[:keep], *served}
    old = (number for number in sorted(written) if written[number].modified < before)
    return [n for n in old if n not in kept and n < max(visible, default=0)]


def _lately_served(pointer: ChannelPointer, written: Iterable[int], before: float) -> Iterator[int]:
    """Releases that a channel serves, or served until some time after `before`."""
    yield pointer.release
    for newer, older in pairwise(pointer.history):
        if _seconds(newer.at) > before:
            yield older.release
    if len(pointer.history) < 2 and _seconds(pointer.moved_at) > before:
        # An older publisher wrote no history: it may have served any of those below.
        yield from (number for number in written if number < pointer.highest)


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()


def _delete_release(catalogue: Catalogue, number: int) -> None:
    store = catalogue.store
    with contextlib.suppress(ReleaseError):  # one that was never signed was never served
        release = catalogue.release(number)
        store.put(layout.swept_key(release.manifest.package), release.data)
    # Invisible first: no reader may find a release whose blobs are going.
    store.delete(layout.signature_key(number))
    store.delete(layout.bundle_key(number))
    store.delete(layout.delta_key(number))
    store.delete(layout.manifest_key(number))


def _blobs_to_delete(
    catalogue: Catalogue, stay: Iterable[int], before: float
) -> list[StoredObject]:
    store = catalogue.store
    keys = {layout.blob_key(sha) for number in stay for sha in _blobs_of(catalogue, number)}
    return [e for e in store.entries(layout.BLOBS) if e.key not in keys and e.modified < before]


def _blobs_of(catalogue: Catalogue, number: int) -> set[str]:
    """What a manifest names, signed or not yet: a publisher may be about to sign it.

    A signed one is believed by its signature alone: a bit that flips on the wire must not cost a
    served release its blobs.
    """
    try:
        return _named_by(catalogue.release(number).manifest)
    except ReleaseError:
        pass  # not signed yet, or not by a key of ours
    try:
        data = catalogue.store.get(layout.manifest_key(number), layout.MANIFEST_LIMIT).data
        return _named_by(record.from_json(ReleaseManifest, data))
    except (ObjectMissing, CorruptArtifact):
        return set()


def _named_by(manifest: ReleaseManifest) -> set[str]:
    return {blob.sha256 for entry in manifest.files for blob in entry.blobs}

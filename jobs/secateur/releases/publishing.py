"""Publish an accepted package: blobs, manifest, signature, canary, and only then the channel.

A crash between any two writes leaves readers where they were; the same call again finishes what
it finds begun, and never makes a second release of one verdict.
"""

import hashlib
import logging
from dataclasses import replace
from pathlib import Path

from secateur.artifacts import Artifact, demand_receipt, verify_file
from secateur.contracts import artifact_files, record
from secateur.contracts.errors import (
    ArtifactError,
    CorruptArtifact,
    ObjectMissing,
    PreconditionFailed,
    ReleaseError,
    StoreError,
)
from secateur.contracts.judgement import Verdict
from secateur.contracts.manifest import FileEntry
from secateur.contracts.releases import PublishReceipt, ReleaseManifest
from secateur.releases import canary, channels, layout
from secateur.releases.catalogue import Catalogue, Release
from secateur.releases.probing import probe
from secateur.releases.signing import Signer
from secateur.storage import Store

log = logging.getLogger("secateur.releases")

ATTEMPTS = 1000


def publish(
    catalogue: Catalogue,
    signer: Signer,
    channel: str,
    package: Artifact,
    verdict: Artifact,
    dense_bytes: int,
    try_out: canary.Canary = canary.rescore,
) -> PublishReceipt:
    """Make `package` a release and let `channel` serve it.

    `dense_bytes` is the size of the fp32 baseline's package. Raises ArtifactError when the
    verdict does not accept exactly this package, StoreRefused when the store ignores conditional
    writes, ReleaseError when the release cannot be pulled and scored: the channel stays then.
    """
    draft = _draft(catalogue.scenario, package, verdict, dense_bytes)
    probe(catalogue.store)
    for entry in package.manifest.files:
        _put_blob(catalogue.store, package.folder, entry)
    release = _claim(catalogue.store, draft)
    _sign(catalogue, signer, release)
    canary.send(catalogue, release.manifest.number, try_out)
    reason = f"published {draft.recipe}"
    pointer = channels.advance(catalogue, signer, channel, release, reason)
    return PublishReceipt(
        scenario=catalogue.scenario,
        number=release.manifest.number,
        channel=channel,
        epoch=pointer.epoch,
        manifest_sha256=release.sha256,
        bytes=release.manifest.bytes,
        served=pointer.release == release.manifest.number,
    )


def _draft(
    scenario: str, package: Artifact, verdict: Artifact, dense_bytes: int
) -> ReleaseManifest:
    """The manifest, but for its number and its time."""
    decision = verdict.read(artifact_files.VERDICT, Verdict)
    if not (decision.accepted and decision.package and decision.chosen):
        raise ArtifactError(f"{verdict.uri} accepts no package: {decision.reason}")
    demand_receipt(decision.package, package)
    return ReleaseManifest(
        scenario=scenario,
        number=0,
        package=package.digest,
        verdict=verdict.digest,
        recipe=decision.chosen,
        published_at="",
        files=package.manifest.files,
        dense_bytes=dense_bytes,
    )


def _put_blob(store: Store, folder: Path, entry: FileEntry) -> None:
    """Write one file, or find it written and renew it, so that no sweep takes it for old."""
    data = verify_file(folder, entry).read_bytes()
    key = layout.blob_key(entry.sha256)
    for _ in range(ATTEMPTS):
        try:
            store.put_new(key, data)
            return
        except PreconditionFailed:
            pass
        try:
            found = store.get(key)
            if found.data != data:
                raise ReleaseError(f"{store.uri}/{key} holds other bytes than its name says")
            store.swap(key, data, found.tag)
            return
        except (ObjectMissing, PreconditionFailed):
            continue  # another publisher renewed it, or a sweep took it, since we looked
    raise StoreError(f"{store.uri}/{key} does not stay as it was written")


def _claim(store: Store, draft: ReleaseManifest) -> Release:
    """Create the next free number's manifest, or find the one that an earlier attempt created.

    Numbers are tried one by one, each only after all below were looked at: so two attempts for
    one verdict meet at the same number, and one of them wins it for both.
    """
    known = layout.numbers(store)
    for number in reversed(known):
        if found := _begun(store, number, draft):
            return found
    number = max(known, default=0) + 1
    for _ in range(ATTEMPTS):
        manifest = replace(draft, number=number, published_at=layout.now())
        data = record.canonical(manifest)
        try:
            store.put_new(layout.manifest_key(number), data)
            return Release(manifest, hashlib.sha256(data).hexdigest())
        except PreconditionFailed:
            if found := _begun(store, number, draft):
                return found
            number += store.exists(layout.manifest_key(number))  # a 409 may leave it free
    raise StoreError(f"{store.uri}: no release number was free in {ATTEMPTS} attempts")


def _begun(store: Store, number: int, draft: ReleaseManifest) -> Release | None:
    """The release under this number if it is ours in every field but its number and time."""
    try:
        data = store.get(layout.manifest_key(number), layout.MANIFEST_LIMIT).data
        manifest = record.load(ReleaseManifest, data)
    except (ObjectMissing, CorruptArtifact):
        return None
    ours = replace(draft, number=number, published_at=manifest.published_at)
    if manifest != ours or data != record.canonical(ours):
        return None
    log.info("verdict %s has release %d from an earlier attempt", draft.verdict[:12], number)
    return Release(manifest, hashlib.sha256(data).hexdigest())


def _sign(catalogue: Catalogue, signer: Signer, release: Release) -> None:
    """Make the release visible. Raises SignatureInvalid when another's signature lies there."""
    number = release.manifest.number
    signature = signer.sign(record.canonical(release.manifest))
    try:
        catalogue.store.put_new(layout.signature_key(number), signature.encode())
    except PreconditionFailed:
        catalogue.release(number)

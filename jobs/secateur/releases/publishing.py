"""Publish an accepted package: blobs, manifest, signature, canary, and only then the channel.

A crash between any two writes leaves readers where they were; the same call again finishes what
it finds begun, and never makes a second release of one verdict.
"""

import contextlib
import logging
from dataclasses import dataclass, replace
from pathlib import Path

from secateur.artifacts import Artifact, demand_receipt
from secateur.contracts import artifact_files, record
from secateur.contracts.errors import (
    ArtifactError,
    CorruptArtifact,
    NewerFormat,
    ObjectMissing,
    PreconditionFailed,
    ReleaseError,
    SecateurError,
    StoreError,
)
from secateur.contracts.judgement import Verdict
from secateur.contracts.manifest import FileEntry
from secateur.contracts.releases import Approval, PublishReceipt, ReleaseManifest
from secateur.releases import canary, channels, layout
from secateur.releases.catalogue import Catalogue, Release
from secateur.releases.probing import probe
from secateur.releases.publisher import Publisher
from secateur.releases.signatures.model_signing import put_bundle
from secateur.releases.writing.blobs import put_blobs
from secateur.releases.writing.delta_writer import put_delta
from secateur.storage import Store

log = logging.getLogger("secateur.releases")

ATTEMPTS = 1000
NIGHT = "night"  # who moves a channel that no person moves


@dataclass(frozen=True)
class FromNight:
    """What a release keeps of its night: the log's days, oldest first, the digest of all that it
    went by, and who let it out."""

    days: tuple[str, ...] = ()
    night: str = ""
    approval: Approval | None = None


BY_HAND = FromNight()


def publish(
    publisher: Publisher,
    channel: str,
    package: Artifact,
    verdict: Artifact,
    origin: FromNight = BY_HAND,
    older_data: bool = False,
) -> PublishReceipt:
    """Make `package` a release and let `channel` serve it, if `channels.advance` lets it.

    A package is one release: where the channel has served it, or a newer one, nothing is written.
    Raises ArtifactError when the verdict does not accept exactly this package, StoreRefused when
    the store ignores conditional writes, ReleaseError when the release cannot be pulled and
    scored: the channel stays then.
    """
    draft = _draft_manifest(publisher.catalogue.scenario, package, verdict, origin)
    return publish_files(publisher, channel, draft, package.folder, older_data)


def publish_files(
    publisher: Publisher,
    channel: str,
    draft: ReleaseManifest,
    folder: Path,
    older_data: bool = False,
) -> PublishReceipt:
    """Make the files in `folder` that `draft` names a release, which gets its number and time now.

    The channel moves as `publish` says. Raises StoreRefused and ReleaseError as it does.
    """
    store, catalogue = publisher.store, publisher.catalogue
    known = _visible(catalogue, draft.package)
    release = known or _swept(catalogue, draft.package)
    if release is None or not _has_passed(catalogue, channel, release):
        probe(store)
        before = _served_before(catalogue, channel)
        wanted = (known.manifest if known else draft).files
        likely = before.manifest.files if before else ()
        files = put_blobs(store, folder, wanted, likely, is_new=known is None)
        release = known or _claim_number(store, _of_files(draft, files))
        put_bundle(store, publisher.signer, release.manifest)
        put_delta(store, before, release, folder)
        _sign(publisher, release)
        canary.send(catalogue, release.manifest.number, publisher.try_out)
    order = channels.Order("published", NIGHT, f"published {draft.recipe}")
    standing = channels.advance(publisher, channel, release, order, older_data)
    return PublishReceipt(
        scenario=catalogue.scenario,
        number=release.manifest.number,
        channel=channel,
        epoch=standing.pointer.epoch,
        manifest_sha256=release.sha256,
        bytes=release.manifest.bytes,
        served=standing.pointer.release == release.manifest.number,
        kept=standing.kept,
    )


def _visible(catalogue: Catalogue, package: str) -> Release | None:
    """The signed release of a package, if there is one."""
    return next((r for r in catalogue.releases() if r.manifest.package == package), None)


def _swept(catalogue: Catalogue, package: str) -> Release | None:
    """The release of a package that was swept since, if there was one."""
    try:
        data = catalogue.store.get(layout.swept_key(package), layout.MANIFEST_LIMIT).data
        return Release(record.from_json(ReleaseManifest, data), data)
    except (ObjectMissing, CorruptArtifact, NewerFormat):
        return None


def _has_passed(catalogue: Catalogue, channel: str, release: Release) -> bool:
    """Whether the channel has served this release, or a newer one: it does not move to it then."""
    current = catalogue.pointer(channel)
    return current is not None and current.pointer.highest >= release.manifest.number


def _served_before(catalogue: Catalogue, channel: str) -> Release | None:
    """The release that the channel serves, if one can be read: it spares sending and fetching."""
    try:
        pointer = catalogue.pointer(channel)
        return None if pointer is None else catalogue.release(pointer.pointer.release)
    except SecateurError as error:
        log.warning("what %s serves now is of no help: %s", channel, error)
        return None


def _of_files(draft: ReleaseManifest, files: tuple[FileEntry, ...]) -> ReleaseManifest:
    has_chunks = any(entry.chunks for entry in files)
    return replace(draft, files=files, format=2 if has_chunks else 1)


def _draft_manifest(
    scenario: str, package: Artifact, verdict: Artifact, origin: FromNight
) -> ReleaseManifest:
    """The manifest of the release, without its number and time."""
    decision = verdict.read(artifact_files.VERDICT, Verdict)
    if not (decision.accepted and decision.package and decision.chosen and decision.dense_bytes):
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
        dense_bytes=decision.dense_bytes,
        days=origin.days,
        night=origin.night,
        override=decision.override,
        approval=origin.approval,
    )


def _claim_number(store: Store, draft: ReleaseManifest) -> Release:
    """Create the next free number's manifest, or find the one that an earlier attempt created.

    Numbers are tried one by one, each only after all below were looked at: so two attempts for
    one verdict meet at the same number, and one of them wins it for both.
    """
    known = layout.numbers(store)
    for number in reversed(known):
        if found := _earlier_attempt(store, number, draft):
            return found
    number = max(known, default=0) + 1
    for _ in range(ATTEMPTS):
        manifest = replace(draft, number=number, published_at=layout.now())
        data = record.canonical_json(manifest)
        if len(data) > layout.MANIFEST_LIMIT:
            raise ReleaseError(f"the manifest has {len(data):,} bytes: no reader takes so many")
        try:
            store.put_new(layout.manifest_key(number), data)
            return Release(manifest, data)
        except StoreError as error:
            # It may be written all the same: an answer that was lost says nothing.
            if found := _earlier_attempt(store, number, draft):
                return found
            if not isinstance(error, PreconditionFailed):
                raise
            number += store.exists(layout.manifest_key(number))  # a 409 may leave it free
    raise StoreError(f"{store.uri}: no release number was free in {ATTEMPTS} attempts")


def _earlier_attempt(store: Store, number: int, draft: ReleaseManifest) -> Release | None:
    """The release under this number if it is ours in every field but its number and time."""
    try:
        data = store.get(layout.manifest_key(number), layout.MANIFEST_LIMIT).data
        manifest = record.from_json(ReleaseManifest, data)
    except (ObjectMissing, CorruptArtifact, NewerFormat):
        return None
    ours = replace(draft, number=number, published_at=manifest.published_at)
    if manifest != ours or data != record.canonical_json(ours):
        return None
    log.info("verdict %s has release %d from an earlier attempt", draft.verdict[:12], number)
    return Release(manifest, data)


def _sign(publisher: Publisher, release: Release) -> None:
    """Make the release visible. Raises SignatureInvalid when another's signature lies there."""
    number = release.manifest.number
    signature = publisher.signer.sign(record.canonical_json(release.manifest))
    try:
        publisher.store.put_new(layout.signature_key(number), signature.encode())
    except PreconditionFailed:
        publisher.catalogue.release(number)
    except StoreError:
        with contextlib.suppress(SecateurError):  # it may be written, and its answer lost
            publisher.catalogue.release(number)
            return
        raise

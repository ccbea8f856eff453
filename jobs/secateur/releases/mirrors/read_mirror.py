"""Open a mirror that lies in a folder, as a platform has copied it: no store is asked."""

from pathlib import Path

from secateur.artifacts import verify_file
from secateur.contracts import record
from secateur.contracts.errors import CorruptArtifact, NewerFormat, ObjectMissing, ReleaseError
from secateur.contracts.manifest import MANIFEST, FileEntry
from secateur.contracts.releases import ReleaseManifest
from secateur.display.progress import advance_progress, progress_of
from secateur.releases import canary, layout
from secateur.releases.catalogue import Catalogue, Release
from secateur.releases.mirrors import mirror_layout
from secateur.releases.pulling import PulledRelease
from secateur.releases.signing import Trust
from secateur.serving import portable_model
from secateur.storage import FileStore, local_path


def mirror_folder(uri: str) -> Path | None:
    """The folder of a mirror, whole or not; None where `uri` may name a store."""
    folder = local_path(uri)
    if folder is None or not folder.is_dir() or (folder / layout.CHANNELS).is_dir():
        return None
    return folder.resolve()


def open_mirror(folder: Path, trust: Trust, manifest_sha256: str = "") -> PulledRelease:
    """The release that is mirrored in `folder`, its signature and every byte of it verified.

    Nothing tells a mirror from an older one that was signed too, but `manifest_sha256`, which may
    be its first digits. Raises ReleaseError where the mirror is not whole, is another one, or
    holds what is no part of it, SignatureInvalid.
    """
    found = _signed_release(folder, trust)
    if not found.sha256.startswith(manifest_sha256.lower()):
        raise ReleaseError(
            f"{folder} holds release {found.manifest.number}, whose manifest is "
            f"{found.sha256[:12]}, not {manifest_sha256}"
        )
    placed = mirror_layout.places(found.manifest)
    _demand_whole(folder, found.manifest, placed)
    return PulledRelease(folder, found.manifest, pointer=None)


def rescore_mirror(release: PulledRelease) -> None:
    """Score the golden rows of an opened mirror. Raises what `canary.rescore` does."""
    manifest = release.manifest
    if not mirror_layout.holds_portable(manifest):
        canary.rescore(release)
        return
    (model,) = (
        place
        for place, entry in mirror_layout.places(manifest).items()
        if entry.path == portable_model.MODEL
    )
    portable_model.check_portable(release.folder, model)


def _signed_release(folder: Path, trust: Trust) -> Release:
    store, where = FileStore(folder), str(folder / MANIFEST)
    try:
        data = store.get(MANIFEST, layout.MANIFEST_LIMIT).data
        signature = store.get(mirror_layout.SIGNATURE, layout.SIGNATURE_LIMIT).data
    except ObjectMissing as error:
        raise ReleaseError(
            f"{folder} is neither a store nor a whole mirror, which has a {MANIFEST} and a "
            f"{mirror_layout.SIGNATURE}: {error}"
        ) from error
    trust.verify(data, signature.decode(errors="replace"), where)
    try:
        told = record.from_json(ReleaseManifest, data)
    except (CorruptArtifact, NewerFormat, RecursionError) as error:
        raise ReleaseError(f"{where} cannot be read: {error}") from error
    return Catalogue(store, told.scenario, trust).read_release(data, told.number, where)


def _demand_whole(folder: Path, manifest: ReleaseManifest, placed: dict[str, FileEntry]) -> None:
    """Insist on exactly the files of a release. Raises ReleaseError."""
    what = f"{folder}: the mirror of release {manifest.number} of {manifest.scenario}"
    found = {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_symlink() or not path.is_dir()
    }
    if absent := sorted(placed.keys() - found):
        raise ReleaseError(f"{what} is not whole: {len(absent)} files are missing, {absent[0]!r}")
    if strangers := sorted(found - placed.keys() - mirror_layout.OURS):
        raise ReleaseError(
            f"{what} holds {len(strangers)} files that are not its own: {strangers[0]!r}; does "
            "its storage URI end in a slash?"
        )
    with progress_of(f"verifying release {manifest.number}", manifest.bytes):
        for place, entry in placed.items():
            try:
                verify_file(folder, FileEntry(place, entry.sha256, entry.bytes))
            except CorruptArtifact as error:
                raise ReleaseError(f"{what} is damaged: {error}") from error
            advance_progress(entry.bytes)

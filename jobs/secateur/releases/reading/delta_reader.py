"""Make new blobs of those of an earlier release, by the delta of the release that is pulled."""

import hashlib
import logging
from collections.abc import Iterator
from pathlib import Path

from secateur.contracts import record
from secateur.contracts.errors import CorruptArtifact, NewerFormat, ObjectMissing, SecateurError
from secateur.contracts.manifest import Chunk
from secateur.contracts.releases import ReleaseManifest
from secateur.releases import layout
from secateur.releases.deltas.patches import (
    Patch,
    apply_patch,
    blobs_of,
    header_length,
    read_header,
)
from secateur.releases.reading.held_blobs import HeldBlobs
from secateur.storage import FileStore, Store

log = logging.getLogger("secateur.releases")

HEAD_BYTES = 4


def patch_blobs(
    manifest: ReleaseManifest, store: Store, manifests: FileStore, held: HeldBlobs, folder: Path
) -> None:
    """Put blobs that `held` lacks into `folder`, as far as a delta can make them, and into `held`.

    `manifests` has `manifests/<sha256>` of the releases held. Nothing is believed but the sha256 of
    a blob in `manifest`; whatever is wrong with a delta is logged, and the blobs are fetched then.
    """
    missing = {blob for blob in blobs_of(manifest) if not held.has(blob)}
    limit = sum(blob.bytes for blob in missing)
    if held.is_empty or not missing:
        return
    key = layout.delta_key(manifest.number)
    try:
        made = _apply(_Stream(store.read_parts(key, limit)), manifest, manifests, held, folder)
        log.info("%d of %d blobs were made by %s", made, len(missing), key)
    except ObjectMissing:
        pass  # it has none, or not any more
    except (SecateurError, OSError) as error:
        log.warning("%s/%s is of no use: %s", store.uri, key, error)


def _apply(
    stream: "_Stream",
    manifest: ReleaseManifest,
    manifests: FileStore,
    held: HeldBlobs,
    folder: Path,
) -> int:
    """How many blobs were made. Raises CorruptArtifact at the first patch that makes another."""
    header = read_header(stream.take(header_length(stream.take(HEAD_BYTES))))
    try:
        data = manifests.get(f"manifests/{header.base}").data
        before = blobs_of(record.from_json(ReleaseManifest, data))
    except (ObjectMissing, NewerFormat, SecateurError):
        return 0  # a delta from another release than those held
    blobs, made = blobs_of(manifest), 0
    folder.mkdir(parents=True, exist_ok=True)
    for patch in header.each:
        blob, bases = _blob_and_bases(patch, blobs, before)
        data = stream.take(patch.bytes)
        base = b"".join(held.read(one) or b"" for one in bases)
        found = apply_patch(data, base, blob.bytes)
        if hashlib.sha256(found).hexdigest() != blob.sha256:
            raise CorruptArtifact(f"patch {made} makes another blob")
        path = folder / blob.sha256
        path.write_bytes(found)
        held.add(blob, path)
        made += 1
    return made


def _blob_and_bases(
    patch: Patch, blobs: list[Chunk], before: list[Chunk]
) -> tuple[Chunk, list[Chunk]]:
    """The blob that a patch makes, and those that it needs. Raises CorruptArtifact."""
    bases = before[patch.first : patch.first + patch.bases]
    if patch.blob >= len(blobs) or len(bases) != patch.bases:
        raise CorruptArtifact(f"patch of a blob number {patch.blob} that there is not")
    sizes = [blobs[patch.blob].bytes, *(one.bytes for one in bases)]
    if max(sizes) > layout.CHUNK_LIMIT or patch.bytes > layout.CHUNK_LIMIT:
        raise CorruptArtifact(f"patch of a blob number {patch.blob} that memory does not hold")
    return blobs[patch.blob], bases


class _Stream:
    """Bytes that come in parts, taken in other parts."""

    def __init__(self, parts: Iterator[bytes]) -> None:
        self._parts, self._left = parts, bytearray()

    def take(self, length: int) -> bytes:
        """The next so many bytes. Raises CorruptArtifact where they end before."""
        while len(self._left) < length:
            part = next(self._parts, None)
            if part is None:
                raise CorruptArtifact("a delta that ends early")
            self._left += part
        taken = bytes(self._left[:length])
        del self._left[:length]
        return taken

"""Blobs that lie on this disk already, in the files of releases that were pulled before."""

import contextlib
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from secateur.contracts.manifest import Chunk
from secateur.contracts.releases import ReleaseManifest

PART_BYTES = 1 << 20


@dataclass(frozen=True)
class _Place:
    path: Path
    start: int


class HeldBlobs:
    """Where blobs lie in the files of `releases`: folders with their manifests.

    Nothing of it is believed: what is read is hashed.
    """

    def __init__(self, releases: Iterable[tuple[Path, ReleaseManifest]] = ()) -> None:
        self._places: dict[Chunk, _Place] = {}
        for folder, manifest in releases:
            for entry in manifest.files:
                start = 0
                for blob in entry.blobs:
                    self._places.setdefault(blob, _Place(folder / entry.path, start))
                    start += blob.bytes

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing."""
        return not self._places

    def add(self, blob: Chunk, path: Path) -> None:
        """Know of a blob that is a file of its own."""
        self._places[blob] = _Place(path, 0)

    def has(self, blob: Chunk) -> bool:
        """Whether a file that was here had these bytes."""
        return blob in self._places

    def read(self, blob: Chunk) -> bytes | None:
        """The bytes of a chunk, which fit into memory; None where they are not here."""
        data = b"".join(self.parts(blob))
        return data if hashlib.sha256(data).hexdigest() == blob.sha256 else None

    def parts(self, blob: Chunk) -> Iterator[bytes]:
        """What lies where its bytes were, a part at a time; less where that cannot be read."""
        found, left = self._places.get(blob), blob.bytes
        if found is None:
            return
        with contextlib.suppress(OSError), found.path.open("rb") as file:
            file.seek(found.start)
            while left and (part := file.read(min(left, PART_BYTES))):
                left -= len(part)
                yield part

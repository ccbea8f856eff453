"""What the second of two releases costs: published and pulled for real, its bytes counted.

A store counts those of blobs and deltas; a canary's pull and what a publisher reads back, which
stay beside the store, are not counted. *Whole files* is what the same two releases cost where a
file is one blob: files of other bytes are sent, and a reader copies all of a new release.
"""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from secateur.artifacts import Artifact
from secateur.contracts.releases import ReleaseManifest
from secateur.releases import layout
from secateur.releases.catalogue import Catalogue
from secateur.releases.publisher import Publisher
from secateur.releases.publishing import publish_files
from secateur.releases.pulling import pull_from
from secateur.releases.signing import Signer, new_seed
from secateur.storage import FileStore, Tagged


def head() -> Iterator[str]:
    """The head of a table of `line`s."""
    yield "| | bytes | whole files: sent | fetched | now: sent | fetched by chunks | by delta |"
    yield "|---|--:|--:|--:|--:|--:|--:|"


def line(name: str, old: Artifact, new: Artifact) -> str:
    """Publish and pull both, and count for the second."""
    with TemporaryDirectory() as scratch:
        shop = _Shop(Path(scratch))
        shop.publish(old, 1)
        for cache in ("chunks", "delta"):
            shop.pull(cache)
        sent = shop.publish(new, 2)
        by_delta = shop.pull("delta")
        shop.store.delete(layout.delta_key(2))
        by_chunks = shop.pull("chunks")
    known = {entry.sha256 for entry in old.manifest.files}
    whole = sum(entry.bytes for entry in new.manifest.files if entry.sha256 not in known)
    size = new.manifest.bytes
    counts = (whole, size, sent, by_chunks, by_delta)
    return f"| {name} | {size:,} | {' | '.join(f'{count / size:.1%}' for count in counts)} |"


class _Counting(FileStore):
    """A folder that counts the bytes of blobs and deltas, written and read."""

    written = read = 0

    def put_new(self, key: str, data: bytes) -> None:
        super().put_new(key, data)
        self._write(key, len(data))

    def put_file(
        self, key: str, path: Path, *, new: bool = False, sha256: str | None = None
    ) -> None:
        super().put_file(key, path, new=new, sha256=sha256)
        self._write(key, path.stat().st_size)

    def get(self, key: str, limit: int | None = None) -> Tagged:
        found = super().get(key, limit)
        self.read += len(found.data) if _is_counted(key) else 0
        return found

    def read_parts(self, key: str, size: int, start: int = 0) -> Iterator[bytes]:
        for part in super().read_parts(key, size, start):
            self.read += len(part) if _is_counted(key) else 0
            yield part

    def _write(self, key: str, size: int) -> None:
        self.written += size if _is_counted(key) else 0


def _is_counted(key: str) -> bool:
    return key.startswith(layout.BLOBS) or key.endswith("/delta.bin")


class _Shop:
    """A store, its publisher, and readers."""

    def __init__(self, folder: Path) -> None:
        self.folder, signer = folder, Signer.of(new_seed())
        self.store = _Counting(folder / "resent")
        self.catalogue = Catalogue(self.store, "resent", signer.trust())
        self._publisher = Publisher(self.catalogue, signer, lambda _: None)

    def publish(self, made: Artifact, number: int) -> int:
        """Publish; how many bytes of blobs and deltas were sent."""
        draft = ReleaseManifest(
            scenario="resent",
            number=number,
            package=made.digest,
            verdict=made.digest,
            recipe="resent",
            published_at="",
            files=made.manifest.files,
            dense_bytes=made.manifest.bytes,
        )
        self.store.written = 0
        publish_files(self._publisher, "latest", draft, made.folder)
        return self.store.written

    def pull(self, cache: str) -> int:
        """Pull what is served; how many bytes of blobs and deltas were fetched."""
        self.store.read = 0
        pull_from(self.catalogue, self.folder / cache)
        return self.store.read

"""What is sent and fetched again of the second of two releases: whole files, chunks, and deltas.

Counters of the bundled log over nine days, and over those a day later; then tables and counters of
many keys in which a share of the rows changed, as in an hour or a day of a larger site, and a tenth
as many are new. Everything is published and pulled for real, through a
store that counts the bytes of blobs and deltas; a canary's pull and what a publisher reads back,
which stay beside the store, are not counted. *Whole files* is what the same two releases cost where
a file is one blob: files of other bytes are sent, and a reader copies all of a new release.
"""

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.releases.changed_rows import ROWS, write_counters, write_floats
from bench.releases.log_counters import write_log_counters
from bench.runner import Asked, Benchmark
from secateur import artifacts
from secateur.artifacts import Artifact
from secateur.contracts.manifest import MadeBy
from secateur.contracts.releases import ReleaseManifest
from secateur.releases import layout
from secateur.releases.catalogue import Catalogue
from secateur.releases.publisher import Publisher
from secateur.releases.publishing import publish_files
from secateur.releases.pulling import pull_from
from secateur.releases.signing import Signer, new_seed
from secateur.storage import FileStore, Tagged

LIMITS = """
Chunks alone save little where changed rows lie all over a file: one row in a hundred of a table is
a row of every chunk. What is sent holds the chunks, which a new reader needs, and the delta. Not
measured here is a warm retrain itself. Its packages gain only where rows keep their bytes: in
float32, sorted by value (`vocabulary = "ascending"`), with an optimizer that leaves a row alone
which no event read (`rowwise_adagrad`); Adam moves all of them. Tables of integers have new scales
every night, and vocabularies are coded in one stream: both are fetched whole."""
SHARES = (0.0001, 0.001, 0.01, 0.1)
Write = Callable[[Path, int, float], None]


def add_flags(flags: argparse.ArgumentParser) -> None:
    """How many rows the larger tables have."""
    flags.add_argument("--rows", type=int, default=ROWS)


def figures(asked: Asked) -> Iterator[str]:
    """A line for each share of changed rows."""
    yield f"{asked.rows:,} keys, but for the log's; shares are of the second release's bytes.\n"
    yield from head()
    yield _one_change("the bundled log's counters, a day on", write_log_counters, asked, 1.0)
    for name, write in (("counters", write_counters), ("float32 table", write_floats)):
        for share in SHARES:
            yield _one_change(f"{name}, {share:.2%} of the rows", write, asked, share)
    yield LIMITS


def _one_change(name: str, write: Write, asked: Asked, changed: float) -> str:
    with TemporaryDirectory(dir=asked.folder) as scratch:
        made = [
            _seal(Path(scratch) / str(share), write, asked.rows, share) for share in (0.0, changed)
        ]
        return line(name, *made)


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


def _seal(folder: Path, write: Write, rows: int, changed: float) -> Artifact:
    with artifacts.create(str(folder), "Package") as draft:
        write(draft.folder, rows, changed)
        draft.seal(MadeBy("prune_model", "0"), {}, {})
    return artifacts.open_artifact(str(folder), "Package")


BENCHMARK = Benchmark(
    title="What is sent and fetched again",
    figures=figures,
    page=lambda _asked: "resent",
    add_flags=add_flags,
)

"""Sealed artifacts: a folder with its files and one `manifest.json`, written last.

    with create(uri, "FeatureSet") as draft:
        ...write below draft.folder...
        manifest = draft.seal(made_by, made_from, facts)
    features = open_artifact(uri, "FeatureSet")

A folder without its manifest does not exist: a crash leaves nothing that a reader can open.
Artifacts at `s3://` are built and opened in a local folder, and copied whole.
"""

import contextlib
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from secateur.contracts import record
from secateur.contracts.errors import (
    ArtifactError,
    CorruptArtifact,
    ObjectMissing,
    StoreError,
    UsageError,
)
from secateur.contracts.manifest import MANIFEST, FileEntry, MadeBy, Manifest
from secateur.storage import FileStore, Store, demand_key, local_path, open_store

UNSEALED = ".unsealed"  # marks a folder as an attempt of ours
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Artifact:
    """A sealed artifact, verified, with its files in a local folder."""

    uri: str
    manifest: Manifest
    folder: Path

    @property
    def digest(self) -> str:
        """The digest that receipts name it by."""
        return self.manifest.digest

    def file(self, name: str) -> Path:
        """Path of one file. Raises ArtifactError when the manifest does not list it."""
        if name not in {entry.path for entry in self.manifest.files}:
            raise ArtifactError(f"{self.uri} ({self.manifest.kind}) holds no {name}")
        return self.folder / name

    def read(self, name: str, noun: type[record.Noun]) -> record.Noun:
        """Read one noun from a JSON file."""
        return record.from_json(noun, self.file(name).read_bytes())


@dataclass(frozen=True)
class Draft:
    """An artifact in the making: write below `folder`, then `seal`."""

    uri: str
    kind: str
    folder: Path

    def write(self, name: str, noun: object) -> None:
        """Write one noun as a JSON file."""
        (self.folder / name).write_bytes(record.dump(noun))

    def seal(
        self, made_by: MadeBy, made_from: Mapping[str, str], facts: Mapping[str, Any]
    ) -> Manifest:
        """Hash every file, then write the manifest, last and atomically.

        Raises UsageError when a file is a link: its bytes would not travel with the artifact.
        """
        files = tuple(_entries(self.folder))
        manifest = Manifest(self.kind, made_by, dict(made_from), files, dict(facts))
        store = open_store(self.uri)
        if not isinstance(store, FileStore):
            for entry in files:
                store.put(entry.path, (self.folder / entry.path).read_bytes())
        store.put(MANIFEST, record.dump(manifest))
        store.delete(UNSEALED)
        return manifest


@contextlib.contextmanager
def create(uri: str, kind: str) -> Iterator[Draft]:
    """Start an artifact at `uri`, removing an earlier attempt: its manifest first, then its files.

    Raises UsageError when what lies there is no artifact: nothing else is ever removed.
    """
    store = open_store(uri)
    _claim(store)
    folder = local_path(uri)
    if folder is not None:
        _remove_remains(folder)
        yield Draft(uri, kind, folder)
        return
    with tempfile.TemporaryDirectory(prefix="secateur-") as temporary:
        yield Draft(uri, kind, Path(temporary))


def _claim(store: Store) -> None:
    """Empty the folder and mark it as ours; a crash on the way leaves it marked and unsealed."""
    ours = store.exists(MANIFEST) or store.exists(UNSEALED)
    if not ours and any(store.reachable()):
        raise UsageError(f"{store.uri} holds files that are no artifact; choose an empty folder")
    store.put(UNSEALED, b"")
    store.delete(MANIFEST)
    for entry in [entry for entry in store.entries() if entry.key != UNSEALED]:
        store.delete(entry.key)


def _remove_remains(folder: Path) -> None:
    """Remove what a listing does not show: empty folders, and temporary files of a crash."""
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name != UNSEALED:
            path.unlink()


def open_artifact(uri: str, kind: str) -> Artifact:
    """Open and verify the sealed artifact at `uri`.

    Raises ArtifactError when it is unsealed or of another kind, CorruptArtifact when a byte
    differs from its manifest.
    """
    store = open_store(uri)
    manifest = read_manifest(uri)
    if manifest.kind != kind:
        raise ArtifactError(f"{uri} is a {manifest.kind}, expected a {kind}")
    folder = local_path(uri) or _download(store, manifest)
    for entry in manifest.files:
        verify_file(folder, entry)
    return Artifact(uri, manifest, folder)


def read_manifest(uri: str) -> Manifest:
    """Read the seal at `uri` without opening its files.

    Raises ArtifactError where there is none, CorruptArtifact where it is no manifest.
    """
    try:
        return record.from_json(Manifest, open_store(uri).get(MANIFEST).data)
    except ObjectMissing as error:
        raise ArtifactError(f"{uri} is not sealed: it has no {MANIFEST}") from error


def is_sealed(uri: str) -> bool:
    """Tell whether a manifest lies at `uri`."""
    return open_store(uri).exists(MANIFEST)


def demand_receipt(receipt_subject: str, subject: Artifact) -> None:
    """Insist that a receipt speaks of exactly this artifact. Raises ArtifactError."""
    if receipt_subject != subject.digest:
        raise ArtifactError(
            f"the receipt names {receipt_subject[:12]}, but {subject.uri} is {subject.digest[:12]}"
        )


def sha256_file(path: Path) -> str:
    """Hex sha256 of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(_CHUNK_BYTES):
            digest.update(part)
    return digest.hexdigest()


def verify_file(folder: Path, entry: FileEntry) -> Path:
    """Insist on the promised size and sha256 of a file below `folder`; return its path.

    Raises CorruptArtifact, also for a path that leaves the folder or is a link.
    """
    path = demand_file(folder, entry)
    if sha256_file(path) != entry.sha256:
        raise CorruptArtifact(f"{path}: its {entry.bytes} bytes differ from its manifest")
    return path


def demand_file(folder: Path, entry: FileEntry) -> Path:
    """Insist on the promised size of a file below `folder`, unread; return its path.

    Raises CorruptArtifact, also for a path that leaves the folder or is a link.
    """
    path = path_below(folder, entry.path)
    if path.is_symlink() or not path.is_file():
        raise CorruptArtifact(f"{path}: missing, its manifest promises {entry.bytes} bytes")
    if (found := path.stat().st_size) != entry.bytes:
        raise CorruptArtifact(f"{path}: {found} bytes differ from its manifest ({entry.bytes})")
    return path


def path_below(folder: Path, name: str) -> Path:
    """The path of a file that a manifest names. Raises CorruptArtifact when it leaves `folder`."""
    try:
        return folder / demand_key(name)
    except UsageError as error:
        raise CorruptArtifact(f"a manifest names {name!r}, which is outside its folder") from error


def _entries(folder: Path) -> Iterator[FileEntry]:
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            raise UsageError(f"{path} is a link; an artifact holds files only")
        if path.is_file() and name not in (MANIFEST, UNSEALED):
            yield FileEntry(name, sha256_file(path), path.stat().st_size)


def _download(store: Store, manifest: Manifest) -> Path:
    """Copy an artifact into a folder named by its digest, so that equal content is copied once."""
    folder = _private_folder() / manifest.digest
    for entry in manifest.files:
        with contextlib.suppress(CorruptArtifact):
            verify_file(folder, entry)
            continue
        path_below(folder, entry.path)
        FileStore(folder).put(entry.path, store.get(entry.path, limit=entry.bytes).data)
    return folder


def _private_folder() -> Path:
    """Where copies lie between processes of one user; nobody else can write there."""
    folder = Path(tempfile.gettempdir()) / f"secateur-artifacts-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        raise StoreError(f"{folder} belongs to another user; set TMPDIR to a folder of your own")
    return folder

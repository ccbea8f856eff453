"""Folders of a store that nobody has written to for long, and their removal."""

import shutil
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from secateur.storage.local import FileStore
from secateur.storage.open import open_store
from secateur.storage.store import Store, join, local_path


@dataclass(frozen=True)
class Folder:
    """A folder of a store: its key without a slash at the end, its bytes, and its last write."""

    key: str
    bytes: int
    modified: float


def folders_at(store: Store, prefix: str, depth: int) -> list[Folder]:
    """All folders `depth` levels below `prefix`, those written to last first."""
    bytes_of: dict[str, int] = defaultdict(int)
    newest: dict[str, float] = defaultdict(float)
    for entry in store.entries(prefix):
        parts = entry.key.removeprefix(prefix).split("/")
        if len(parts) > depth:
            key = prefix + "/".join(parts[:depth])
            bytes_of[key] += entry.bytes
            newest[key] = max(newest[key], entry.modified)
    found = [Folder(key, bytes_of[key], newest[key]) for key in newest]
    return sorted(found, key=lambda folder: (folder.modified, folder.key), reverse=True)


def remove_folder(uri: str, folder: Folder, first: str) -> None:
    """Delete a folder of the store at `uri`: every file named `first` before all others.

    Nobody else may write there meanwhile: folders above it go, too, where nothing is left in them.
    Of links the folder holds they go alone; raises StoreError where it lies behind one itself.
    """
    store = open_store(uri)
    keys = sorted(
        store.keys(f"{folder.key}/"), key=lambda key: (key.rpartition("/")[2] != first, key)
    )
    for key in keys:
        store.delete(key)
    path = local_path(join(uri, folder.key))
    if path is not None and isinstance(store, FileStore) and path.is_dir():
        store.demand_inside(path)
        shutil.rmtree(path)  # what a listing does not show: empty folders
        _remove_empty(path.parent, store.root)


def _remove_empty(folder: Path, root: Path) -> None:
    """Remove a folder below `root` that has nothing left, and those above it likewise."""
    while folder != root and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent

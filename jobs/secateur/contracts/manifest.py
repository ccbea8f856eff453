"""The seal of an artifact: what it is, who made it from what, and every byte it holds."""

from dataclasses import dataclass, field
from typing import Any

from secateur.contracts import record

MANIFEST = "manifest.json"
SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Chunk:
    """A stretch of a file: its sha256 in hex, its size in bytes."""

    sha256: str
    bytes: int


@dataclass(frozen=True)
class FileEntry:
    """One file: its path below the artifact's folder, its sha256 in hex, its size in bytes.

    In a release a large one lies in `chunks`, which make the file one after the other.
    """

    path: str
    sha256: str
    bytes: int
    chunks: tuple[Chunk, ...] = field(default=(), metadata=record.UNLESS_DEFAULT)

    @property
    def blobs(self) -> tuple[Chunk, ...]:
        """What lies in a store of it: its chunks, or all of it as one."""
        return self.chunks or (Chunk(self.sha256, self.bytes),)


@dataclass(frozen=True)
class MadeBy:
    """The verb and the digest of the code that ran it."""

    verb: str
    code: str


@dataclass(frozen=True)
class Manifest:
    """Written last into an artifact's folder; without it the folder does not exist.

    `made_from` maps an input's role to its digest. `facts` holds what readers want to know
    before they open a file: counts, the scenario's digest, the outcome. It carries no time and
    no path, so that the same work gives the same digest.
    """

    kind: str
    made_by: MadeBy
    made_from: dict[str, str]
    files: tuple[FileEntry, ...]
    facts: dict[str, Any] = field(default_factory=dict)
    schema_version: int = SCHEMA_VERSION

    @property
    def digest(self) -> str:
        """Hex sha256 that names this artifact in receipts."""
        return record.digest(self)

    @property
    def bytes(self) -> int:
        """Size of all files together."""
        return sum(entry.bytes for entry in self.files)

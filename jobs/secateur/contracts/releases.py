"""What a reader of the store meets: the release manifest and the channel pointer.

`format` is the version of the store's layout: a reader refuses one that it does not know.
"""

from dataclasses import dataclass
from typing import Literal

from secateur.contracts.manifest import FileEntry

CHANNEL_NAME = r"[a-z0-9][a-z0-9_-]*"  # a pattern; a store's scenarios are named so too


@dataclass(frozen=True)
class ReleaseManifest:
    """An immutable release: every file of the package as a blob named by its sha256.

    `package` and `verdict` are digests; `dense_bytes` is the fp32 baseline's size for the ratio.
    """

    scenario: str
    number: int
    package: str
    verdict: str
    recipe: str
    published_at: str
    files: tuple[FileEntry, ...]
    dense_bytes: int
    format: Literal[1] = 1

    @property
    def bytes(self) -> int:
        """Size of all files together."""
        return sum(entry.bytes for entry in self.files)


@dataclass(frozen=True)
class ChannelPointer:
    """Which release a channel serves. `epoch` grows by one at every move, and never repeats.

    `manifest_sha256` binds the pointer to the exact manifest bytes. `highest` is the newest
    release that the channel ever served: publishing moves beyond it only, so that a task run
    again cannot undo a rollback.
    """

    scenario: str
    channel: str
    release: int
    manifest_sha256: str
    epoch: int
    highest: int
    moved_at: str
    reason: str
    format: Literal[1] = 1


@dataclass(frozen=True)
class SignedPointer:
    """The one mutable object: a pointer and the base64 Ed25519 signature of its canonical JSON."""

    pointer: ChannelPointer
    signature: str


@dataclass(frozen=True)
class PublishReceipt:
    """What `publish_release` did, sealed in the run's folder.

    `served` is False when the channel had already served a newer release, or this one and was
    rolled back: then it stayed where it was.
    """

    scenario: str
    number: int
    channel: str
    epoch: int
    manifest_sha256: str
    bytes: int
    served: bool = True


@dataclass(frozen=True)
class SweepReceipt:
    """What a sweep deleted, or with `dry_run` would delete."""

    scenario: str
    dry_run: bool
    releases: tuple[int, ...]
    blobs: int
    bytes: int

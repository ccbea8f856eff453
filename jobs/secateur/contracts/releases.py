"""What a reader of the store meets: the release manifest and the channel pointer."""

from dataclasses import dataclass

from secateur.contracts.manifest import FileEntry


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

    @property
    def bytes(self) -> int:
        """Size of all files together."""
        return sum(entry.bytes for entry in self.files)


@dataclass(frozen=True)
class ChannelPointer:
    """Which release a channel serves. `epoch` grows by one at every move, and never repeats.

    `manifest_sha256` binds the pointer to the exact manifest bytes.
    """

    scenario: str
    channel: str
    release: int
    manifest_sha256: str
    epoch: int
    moved_at: str
    reason: str


@dataclass(frozen=True)
class SignedPointer:
    """The one mutable object: a pointer and the base64 Ed25519 signature of its canonical JSON."""

    pointer: ChannelPointer
    signature: str


@dataclass(frozen=True)
class PublishReceipt:
    """What `publish_release` did, sealed in the run's folder."""

    scenario: str
    number: int
    channel: str
    epoch: int
    manifest_sha256: str
    bytes: int

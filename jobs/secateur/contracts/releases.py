"""What a reader of the store meets: the release manifest and the channel pointer.

`format` is the version of the store's layout: a reader refuses one that it does not know.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from secateur.contracts.features import CounterMeaning
from secateur.contracts.manifest import FileEntry

CHANNEL_NAME = r"[a-z0-9][a-z0-9_-]*"  # a pattern; a store's scenarios are named so too


@dataclass(frozen=True)
class Override:
    """Two people's leave to publish one package that the gate refused, and why.

    `package` is its digest, `expires` the newest last day of a night that it is for. `refusal` is
    what the gate had said, noted when it is used.
    """

    recipe: str
    package: str
    reason: str
    approvals: tuple[str, ...]
    expires: str
    refusal: str = ""


@dataclass(frozen=True)
class Approval:
    """A person's word that what the gate accepted may go out: whose, when, and why if they said."""

    by: str
    at: str
    reason: str = ""

    @property
    def words(self) -> str:
        """As people read it."""
        return f"{self.by} at {self.at}: {self.reason or 'no reason given'}"


@dataclass(frozen=True)
class ReleaseManifest:
    """An immutable release: every file of the package as a blob, or as chunks which are blobs.

    A blob is named by its sha256. A release with chunks is of format 2.

    `package` and `verdict` are digests; `dense_bytes` is the fp32 baseline's size for the ratio.
    `days` are those of the log that its night read, oldest first, and `night` is the digest of all
    that the night went by; an older release has neither. `override` is there where the gate had
    refused the package, `approval` where a person was asked.
    """

    scenario: str
    number: int
    package: str
    verdict: str
    recipe: str
    published_at: str
    files: tuple[FileEntry, ...]
    dense_bytes: int
    days: tuple[str, ...] = ()
    night: str = ""
    override: Override | None = None
    approval: Approval | None = None
    format: Literal[1, 2] = 1

    @property
    def last_day(self) -> str:
        """The newest day of its night; empty where none is known."""
        return max(self.days, default="")

    @property
    def bytes(self) -> int:
        """Size of all files together."""
        return sum(entry.bytes for entry in self.files)


@dataclass(frozen=True)
class Move:
    """One write of a channel: what was done, to which release, when, by whom and why."""

    action: str
    release: int
    epoch: int
    at: str
    actor: str
    reason: str


@dataclass(frozen=True)
class Hold:
    """Who keeps the channel where it is, since when and why; no night moves it then.

    `by_roll_back` is a hold that a roll back brought, and that the way forward again lifts.
    """

    actor: str
    since: str
    reason: str
    by_roll_back: bool = False


@dataclass(frozen=True)
class ChannelPointer:
    """Which release a channel serves. `epoch` grows by one at every move, and never repeats.

    `manifest_sha256` binds the pointer to the exact manifest bytes. `highest` is the newest
    release that the channel ever served: publishing moves beyond it only, so that a task run
    again cannot undo a rollback. `history` has the last moves, the newest first. A reader believes
    it until `valid_hours` after it was `renewed_at`, or for ever where these are 0.
    """

    scenario: str
    channel: str
    release: int
    manifest_sha256: str
    epoch: int
    highest: int
    moved_at: str
    reason: str
    hold: Hold | None = None
    history: tuple[Move, ...] = ()
    renewed_at: str = ""
    valid_hours: float = 0.0
    format: Literal[1] = 1

    @property
    def expires_at(self) -> datetime | None:
        """The moment from which it is not believed any more, None where there is none."""
        if not self.valid_hours or not self.renewed_at:
            return None
        return datetime.fromisoformat(self.renewed_at) + timedelta(hours=self.valid_hours)


@dataclass(frozen=True)
class SignedPointer:
    """The one mutable object: a pointer and the base64 Ed25519 signature of its canonical JSON."""

    pointer: ChannelPointer
    signature: str


@dataclass(frozen=True)
class ServedChannel:
    """What a channel of a store serves, believed."""

    pointer: ChannelPointer
    manifest: ReleaseManifest


@dataclass(frozen=True)
class ServedNow:
    """What some stores serve: every channel, the releases by store and number, and what could not
    be read, with the reason."""

    channels: tuple[ServedChannel, ...]
    releases: dict[tuple[str, int], ReleaseManifest]
    unread: tuple[str, ...] = ()


@dataclass(frozen=True)
class PublishReceipt:
    """What `publish_release` did, sealed in the run's folder.

    `served` is False where the channel stayed where it was, and `kept` says why: it is held, it
    serves newer data, or it had served a newer release, or this one and was rolled back.
    """

    scenario: str
    number: int
    channel: str
    epoch: int
    manifest_sha256: str
    bytes: int
    served: bool = True
    kept: str = ""

    def move(self, package: str, days: tuple[str, ...]) -> dict[str, str | int] | None:
        """What those who wait for its channel are told of the release; None where it stayed."""
        if not self.served:
            return None
        told: dict[str, str | int] = {"channel": self.channel, "release": self.number}
        told |= {"package": package, "bytes": self.bytes}
        return told | {"first_day": min(days, default=""), "last_day": max(days, default="")}


@dataclass(frozen=True)
class SweepReceipt:
    """What a sweep deleted, or with `dry_run` would delete."""

    scenario: str
    dry_run: bool
    releases: tuple[int, ...]
    blobs: int
    bytes: int


@dataclass(frozen=True)
class SnapshotColumn:
    """An input of the model, by the keys of its table.

    A `number` is stored after a multiplication with `unit`. `unseen` is what it is for a key that
    no event had, None where it is missing then. With `ages` it is seconds, to which those since the
    snapshot are added.
    """

    name: str
    kind: Literal["number", "text", "list"]
    unit: float = 1.0
    unseen: float | None = None
    ages: bool = False


@dataclass(frozen=True)
class SnapshotTable:
    """A row for each combination of values of `keys`, which are columns of a request.

    Of `withheld` more, that too few events had, there is no row, or none of their counters.
    """

    keys: tuple[str, ...]
    rows: int
    columns: tuple[SnapshotColumn, ...]
    withheld: int = 0


@dataclass(frozen=True)
class FeatureSnapshot:
    """What a service cannot know of users and items, as it was when `last_day` had ended.

    `as_of_ms` is that midnight in the log's time zone, milliseconds since 1970. `user` and `item`
    are the columns of a request that name them; of users there are keyed hashes, by the key that
    `id_key` names. `counters` are what was counted, and how; each of the `tables` has a folder of
    its number. What fewer than `min_events` events had is withheld.
    """

    scenario: str
    last_day: str
    as_of_ms: int
    id_key: str
    user: str
    item: str
    counters: tuple[CounterMeaning, ...]
    tables: tuple[SnapshotTable, ...]
    min_events: int = 1
    format: Literal[1] = 1

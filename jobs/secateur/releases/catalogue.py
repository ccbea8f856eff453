"""What a store offers, believed only as far as its signatures reach."""

import hashlib
import logging
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from secateur.artifacts import path_below
from secateur.contracts import record
from secateur.contracts.errors import (
    CorruptArtifact,
    NewerFormat,
    ObjectMissing,
    ReleaseError,
    SecateurError,
)
from secateur.contracts.manifest import Chunk, FileEntry
from secateur.contracts.releases import (
    ChannelPointer,
    ReleaseManifest,
    ServedChannel,
    ServedNow,
    SignedPointer,
)
from secateur.releases import layout
from secateur.releases.signing import Trust
from secateur.storage import Store, Tagged

log = logging.getLogger("secateur.releases")

Found = TypeVar("Found")
Believed = TypeVar("Believed")

READS, SAME_READS = 10, 3  # of what comes otherwise each time, and of what comes the same
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True)
class Release:
    """A manifest whose signature held, and its bytes."""

    manifest: ReleaseManifest
    data: bytes

    @property
    def sha256(self) -> str:
        """Of the manifest's bytes: pointers name the release by it."""
        return hashlib.sha256(self.data).hexdigest()


@dataclass(frozen=True)
class TaggedPointer:
    """A pointer whose signature held, as stored, with the tag that a swap must match."""

    signed: SignedPointer
    tag: str

    @property
    def pointer(self) -> ChannelPointer:
        """The pointer itself."""
        return self.signed.pointer


@dataclass(frozen=True)
class Catalogue:
    """One scenario's releases and channels in `store`, for a reader with this trust."""

    store: Store
    scenario: str
    trust: Trust

    @classmethod
    def at(cls, uri: str, trust: Trust) -> "Catalogue":
        """Open `<root>/<scenario>`."""
        return cls(*layout.open_scenario(uri), trust)

    def pointer(self, channel: str) -> TaggedPointer | None:
        """What the channel points at, or None before its first release.

        Raises SignatureInvalid, or ReleaseError when the pointer is another channel's.
        """
        try:
            return self.pointer_unless(channel, "")
        except ObjectMissing:
            return None

    def pointer_unless(self, channel: str, tag: str) -> TaggedPointer | None:
        """What the channel points at, or None while its pointer still has this tag.

        Raises ObjectMissing, SignatureInvalid, or ReleaseError when it is another channel's.
        """
        key = layout.pointer_key(channel)
        where = f"{self.store.uri}/{key}"

        def believe(found: Tagged | None) -> TaggedPointer | None:
            if found is None:
                return None
            signed = _decode(SignedPointer, found.data, where)
            self.verify_pointer(signed, channel, where)
            return TaggedPointer(signed, found.tag)

        return read_until_believed(
            lambda: self.store.get_unless(key, tag, layout.POINTER_LIMIT), believe
        )

    def verify_pointer(self, signed: SignedPointer, channel: str, where: str) -> None:
        """Insist on a trusted signature for this channel. Raises SignatureInvalid, ReleaseError."""
        pointer = signed.pointer
        self.trust.verify(record.canonical_json(pointer), signed.signature, where)
        if (pointer.scenario, pointer.channel) != (self.scenario, channel):
            raise ReleaseError(f"{where} was signed for {pointer.scenario}/{pointer.channel}")
        _check_times(pointer, where)

    def release(self, number: int) -> Release:
        """One release. Raises ReleaseError when it is absent or unsigned, SignatureInvalid."""
        where = f"{self.store.uri}/{layout.manifest_key(number)}"

        def read() -> tuple[bytes, bytes]:
            data = self.store.get(layout.manifest_key(number), layout.MANIFEST_LIMIT).data
            return data, self.store.get(layout.signature_key(number), layout.SIGNATURE_LIMIT).data

        def believe(found: tuple[bytes, bytes]) -> Release:
            data, signature = found
            self.trust.verify(data, signature.decode(errors="replace"), where)
            return self.read_release(data, number, where)

        try:
            return read_until_believed(read, believe)
        except ObjectMissing as error:
            raise ReleaseError(f"{self.store.uri}: there is no signed release {number}") from error

    def read_release(self, data: bytes, number: int, where: str) -> Release:
        """A release of manifest bytes that are believed already. Raises ReleaseError."""
        manifest = _decode(ReleaseManifest, data, where)
        if (manifest.scenario, manifest.number) != (self.scenario, number):
            raise ReleaseError(f"{where} was signed as {manifest.scenario}/{manifest.number}")
        _check_files(manifest, where)
        return Release(manifest, data)

    def served_of_night(self, channel: str, night: str) -> ReleaseManifest | None:
        """The release that `channel` serves or served lately of a night that went by `night`."""
        pointed = self.pointer(channel)
        if pointed is None or not night:
            return None
        served = {move.release for move in pointed.pointer.history} | {pointed.pointer.release}
        found = (one.manifest for one in self.releases() if one.manifest.number in served)
        return next((manifest for manifest in found if manifest.night == night), None)

    def releases(self) -> Iterator[Release]:
        """All visible releases, newest first; those that cannot be believed are skipped."""
        for number in reversed(layout.numbers(self.store)):
            try:
                yield self.release(number)
            except ReleaseError as error:
                log.warning("skipped: %s", error)


def served_in(uris: Sequence[str]) -> ServedNow:
    """What all channels of these stores serve, by the keys of the environment; never raises."""
    channels: list[ServedChannel] = []
    releases: dict[tuple[str, int], ReleaseManifest] = {}
    unread: list[str] = []
    for uri in uris:
        try:
            catalogue = Catalogue.at(uri, Trust.of())
            for name in layout.channels(catalogue.store):
                if found := catalogue.pointer(name):
                    served = catalogue.release(found.pointer.release).manifest
                    channels.append(ServedChannel(found.pointer, served))
            for one in catalogue.releases():
                releases[one.manifest.scenario, one.manifest.number] = one.manifest
        except SecateurError as error:
            unread.append(f"{uri}: {error}")
    return ServedNow(tuple(channels), releases, tuple(unread))


def read_until_believed(
    read: Callable[[], Found], believe: Callable[[Found], Believed]
) -> Believed:
    """What is believed of what was read; what is not is read again, since a wire may flip bits.

    Raises the ReleaseError of `believe` where the same is read again and again: so it lies in the
    store.
    """
    refused: list[Found] = []
    while True:
        found = read()
        try:
            return believe(found)
        except ReleaseError:
            refused.append(found)
            if refused.count(found) == SAME_READS or len(refused) == READS:
                raise


def _decode(noun: type[record.Noun], data: bytes, where: str) -> record.Noun:
    try:
        return record.from_json(noun, data)
    except (CorruptArtifact, NewerFormat, RecursionError) as error:
        raise ReleaseError(f"{where} cannot be read: {error}") from error


def _check_times(pointer: ChannelPointer, where: str) -> None:
    """A careless publisher's times must not become anything but an error of ours."""
    moments = [pointer.moved_at, *(move.at for move in pointer.history)]
    try:
        is_told = all(datetime.fromisoformat(moment).tzinfo for moment in moments)
        if not is_told or (pointer.expires_at and not pointer.expires_at.tzinfo):
            raise ValueError("a time has no zone")
    except (ValueError, OverflowError) as error:
        raise ReleaseError(f"{where} cannot be read: {error}") from error


def _check_files(manifest: ReleaseManifest, where: str) -> None:
    """A signed path is still no reason to write outside the cache."""
    paths = [entry.path for entry in manifest.files]
    if len(set(paths)) != len(paths):
        raise ReleaseError(f"{where} names a file twice")
    for entry in manifest.files:
        try:
            path_below(Path(), entry.path)
        except CorruptArtifact as error:
            raise ReleaseError(f"{where}: {error}") from error
        if not _is_named(Chunk(entry.sha256, entry.bytes), 0):
            raise ReleaseError(f"{where}: {entry.path} has no sha256 or size")
        if entry.chunks and not _make_the_file(entry):
            raise ReleaseError(f"{where}: the chunks of {entry.path} do not make it")
    if (manifest.format == 2) != any(entry.chunks for entry in manifest.files):
        raise ReleaseError(f"{where}: format {manifest.format} is not that of its files")


def _make_the_file(entry: FileEntry) -> bool:
    """Whether all chunks are named, of a size that a reader can hold, and as long as the file."""
    within = all(_is_named(one, 1) and one.bytes <= layout.CHUNK_LIMIT for one in entry.chunks)
    return within and sum(one.bytes for one in entry.chunks) == entry.bytes


def _is_named(one: Chunk, least: int) -> bool:
    return bool(_SHA256.fullmatch(one.sha256)) and one.bytes >= least

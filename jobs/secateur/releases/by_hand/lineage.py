"""From a served byte to all that it was made of: data, code, gates, and who let it out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from secateur.contracts import record
from secateur.contracts.errors import CorruptArtifact, NewerFormat, ReleaseError, UsageError
from secateur.contracts.manifest import MANIFEST, FileEntry, Manifest
from secateur.contracts.releases import ChannelPointer, ReleaseManifest
from secateur.releases import layout
from secateur.releases.catalogue import Catalogue, Release
from secateur.storage import join, open_store

SHORTEST = 8  # characters of a digest that are taken for it


@dataclass(frozen=True)
class Origin:
    """One thing, what is known of it, and what it was made of by role; a line each for people."""

    role: str
    what: str
    digest: str
    told: tuple[str, ...] = ()
    made_from: tuple["Origin", ...] = ()

    def lines(self, depth: int = 0) -> Iterator[str]:
        """The tree as indented lines."""
        indent = "  " * depth
        yield f"{indent}{self.role}: {self.what} {self.digest[:12]}"
        yield from (f"{indent}    {line}" for line in self.told)
        for one in self.made_from:
            yield from one.lines(depth + 1)


@dataclass
class Nights:
    """The sealed artifacts below the folders of nights, by their digests."""

    found: dict[str, tuple[str, Manifest]] = field(default_factory=dict)
    _told: set[str] = field(default_factory=set)

    @classmethod
    def below(cls, uris: Sequence[str]) -> "Nights":
        """Read every manifest below these folders; what is no artifact's is passed over.

        Raises UsageError for a folder that holds none: a name with a slip is no night.
        """
        nights = cls()
        for uri in uris:
            store = open_store(uri)
            for key in store.keys():  # noqa: SIM118 - a store is no dictionary
                if key.rsplit("/", 1)[-1] == MANIFEST:
                    try:
                        manifest = record.from_json(Manifest, store.get(key).data)
                    except (CorruptArtifact, NewerFormat):
                        continue
                    where = join(uri, key.removesuffix(MANIFEST))
                    nights.found[manifest.digest] = where.rstrip("/"), manifest
            if not any(one.startswith(uri.rstrip("/")) for one, _ in nights.found.values()):
                raise UsageError(f"{uri}: nothing that a night has sealed lies there")
        return nights

    def origin(self, role: str, digest: str) -> Origin:
        """What is known of an artifact, and of all that it was made of; told once in a tree."""
        if digest not in self.found:
            return Origin(role, "not below the nights that were given", digest)
        uri, manifest = self.found[digest]
        if digest in self._told:
            return Origin(role, f"{manifest.kind}, as above", digest)
        self._told.add(digest)
        facts = (f"{name}: {value}"[:160] for name, value in sorted(manifest.facts.items()))
        by = f"made by {manifest.made_by.verb}, code {manifest.made_by.code[:12]}"
        parts = tuple(self.origin(name, made) for name, made in sorted(manifest.made_from.items()))
        return Origin(role, manifest.kind, digest, (uri, by, *facts), parts)


def why(catalogue: Catalogue, digest: str, runs: Sequence[str]) -> list[Origin]:
    """Whence a digest comes: of a file that is served, a release, a package, a verdict, or any
    artifact below `runs`, the folders of nights. The first characters of it will do.

    Raises UsageError for too few of them, ReleaseError where nothing has that digest.
    """
    wanted = digest.lower()
    if len(wanted) < SHORTEST:
        raise UsageError(f"{digest!r}: give at least {SHORTEST} characters of a digest")
    nights = Nights.below(runs)
    named = [one for one in catalogue.releases() if _is_named(one, wanted)]
    if named:
        pointers = [catalogue.pointer(name) for name in layout.channels(catalogue.store)]
        moved = [one.pointer for one in pointers if one is not None]
        return [_origin_of_release(one, wanted, moved, nights) for one in named]
    found = [nights.origin("artifact", one) for one in sorted(nights.found) if _fits(one, wanted)]
    if not found:
        raise ReleaseError(f"{catalogue.store.uri}: nothing that is published has digest {digest}")
    return found


def _fits(digest: str, wanted: str) -> bool:
    return digest.startswith(wanted)


def _is_named(release: Release, wanted: str) -> bool:
    manifest = release.manifest
    named = (release.sha256, manifest.package, manifest.verdict)
    return any(_fits(one, wanted) for one in named) or any(
        _holds(entry, wanted) for entry in manifest.files
    )


def _holds(entry: FileEntry, wanted: str) -> bool:
    """Whether it is this file, or one of the chunks that it lies in."""
    return any(_fits(one.sha256, wanted) for one in entry.blobs) or _fits(entry.sha256, wanted)


def _origin_of_release(
    release: Release, wanted: str, moved: Sequence[ChannelPointer], nights: Nights
) -> Origin:
    manifest = release.manifest
    files = [f"file {e.path}, {e.bytes:,} bytes" for e in manifest.files if _holds(e, wanted)]
    told = (*files, *_facts_of(manifest), *_moves_of(manifest.number, moved))
    parts = (nights.origin("package", manifest.package), nights.origin("verdict", manifest.verdict))
    return Origin("release", f"{manifest.scenario} {manifest.number}", release.sha256, told, parts)


def _facts_of(manifest: ReleaseManifest) -> Iterator[str]:
    yield f"recipe {manifest.recipe}, published at {manifest.published_at}"
    if manifest.days:
        yield f"days {manifest.days[0]} to {manifest.last_day}, {len(manifest.days)} days"
    if (approval := manifest.approval) is not None:
        yield f"approved by {approval.words}"
    if manifest.override is not None:
        said = manifest.override
        yield f"let through by {' and '.join(said.approvals)}: {said.reason}"
        yield f"though it was refused: {said.refusal}"


def _moves_of(number: int, moved: Sequence[ChannelPointer]) -> Iterator[str]:
    for pointer in moved:
        for move in pointer.history:
            if move.release == number:
                yield f"{pointer.channel}: {move.action} {move.at} by {move.actor}: {move.reason}"
        if pointer.release == number:
            yield f"{pointer.channel} serves it now"

"""A user who asks to be forgotten: which releases hold them, and what no later night may hold.

A release holds a user by their keyed hash: in a vocabulary, among its golden rows, as a key of a
snapshot's table. Of a vocabulary's hash only so many bits are kept as tell its own values apart, so
that of 10,000 unknown users one may be taken for a known one (`serving/files/vocabulary.py`).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from secateur.contracts import record
from secateur.contracts.artifact_files import ACCEPTED, FENCE
from secateur.contracts.errors import ReleaseError, UsageError
from secateur.contracts.manifest import MANIFEST
from secateur.contracts.releases import FeatureSnapshot
from secateur.identity import fingerprint, hash_id
from secateur.releases import layout
from secateur.releases.catalogue import Catalogue
from secateur.releases.pulling import pull_from
from secateur.releases.signing import Trust
from secateur.serving.encoding.raw_columns import spelling
from secateur.serving.files.golden import Golden
from secateur.serving.files.layout import GOLDEN
from secateur.serving.files.package import read_package, read_whole
from secateur.serving.files.vocabulary import HASH_BITS, Hashes
from secateur.snapshot.key_index import key_hash
from secateur.snapshot.keyed_tables import SNAPSHOT, StoredSnapshot
from secateur.storage import Store, open_store
from secateur.storage.erasures import Erasure, erase
from secateur.storage.lease import give_up, take_for
from secateur.storage.old_folders import folders_at, remove_folder

KEPT_DAYS = ("clean_events/", "build_features/")  # of a state: made again where they are missed
FENCE_HOURS = 1


@dataclass(frozen=True)
class User:
    """A user by the keyed hash of their id, and the fingerprint of the key."""

    hashed: str
    id_key: str

    @classmethod
    def of(cls, raw: str, key: bytes) -> "User":
        """The user whom a log calls `raw`, in any spelling of it. Raises UsageError for none."""
        name = spelling(raw)
        if name is None:
            raise UsageError("name the user as the log does")
        return cls(hash_id(key, name), fingerprint(key))


@dataclass(frozen=True)
class Held:
    """A release that holds a user, `where` in it, and the channels that serve it.

    `told` is False of one that nobody can look into with these keys: its hashes are of another id
    key, or it cannot be believed, and `disbelieved` says why.
    """

    scenario: str
    release: int
    channels: tuple[str, ...] = ()
    where: tuple[str, ...] = ()
    told: bool = True
    disbelieved: str = ""


@dataclass(frozen=True)
class UserSearch:
    """What was found of a user in `looked_at` releases."""

    user: User
    looked_at: int
    held: tuple[Held, ...]

    @property
    def in_service(self) -> tuple[Held, ...]:
        """What channels still serve of them; and what cannot be believed, served or not."""
        return tuple(one for one in self.held if one.channels or one.disbelieved)


def search_user(uri: str, user: User, cache: Path) -> UserSearch:
    """Look for a user in every release of the models at `uri`, and in every snapshot of theirs.

    Each is copied into `cache` and verified. Raises what `pulling.pull` does of a store or channel
    that cannot be read.
    """
    every: list[Held] = []
    for one in (uri, layout.snapshots_uri(uri)):
        every += _look_at_all(Catalogue.at(one, Trust.of()), user, cache)
    held = (one for one in every if one.where or not one.told)
    return UserSearch(user, len(every), tuple(held))


def _look_at_all(catalogue: Catalogue, user: User, cache: Path) -> list[Held]:
    """Every signed release, newest first, until channels serve none that was not looked at."""
    looks: dict[int, Held] = {}
    while True:
        served = _channels(catalogue)
        signed = (n for n in layout.numbers(catalogue.store) if _is_signed(catalogue, n))
        new = {*signed, *served} - looks.keys()
        if not new:
            break
        looks |= {number: _look_at(catalogue, number, user, cache) for number in new}
    return [replace(looks[n], channels=served.get(n, ())) for n in sorted(looks, reverse=True)]


def _is_signed(catalogue: Catalogue, number: int) -> bool:
    return catalogue.store.exists(layout.signature_key(number))


def _look_at(catalogue: Catalogue, number: int, user: User, cache: Path) -> Held:
    """What one release holds, whoever serves it."""
    try:
        folder = pull_from(catalogue, cache, release=number).folder
    except ReleaseError as error:
        return Held(catalogue.scenario, number, told=False, disbelieved=str(error))
    id_key, where = _look(folder, user)
    return Held(catalogue.scenario, number, (), tuple(where), id_key == user.id_key)


def forget(state: str, user: User, actor: str) -> tuple[Erasure, int]:
    """Note in a scenario's state that nothing of a user may be kept, and delete its kept days.

    The next night cleans its days anew, without them. Gives the erasure, the first one where they
    were forgotten before, and how many days were deleted. Raises UsageError where no night has
    worked on this state. Where days lie behind a link (UsageError), and while a night is at work
    (FenceHeld), the erasure is noted, and the days stay until the same is asked again.
    """
    store = open_store(state)
    _demand_a_night(store)
    erasure = erase(store, Erasure(user.hashed, user.id_key, actor, layout.now()))
    _demand_no_link(store)
    holder = f"forget {user.hashed}"
    take_for(state, FENCE, holder, FENCE_HOURS)
    try:
        kept = [version for verb in KEPT_DAYS for version in folders_at(store, verb, 2)]
        for version in kept:
            remove_folder(state, version, MANIFEST)
    finally:
        give_up(store, FENCE, holder)
    return erasure, len({version.key.split("/")[1] for version in kept})


def _demand_a_night(store: Store) -> None:
    """Insist on a trace of a night: a name with a slip is no state. Raises UsageError."""
    left = (one for folder in (*KEPT_DAYS, f"{ACCEPTED}/") for one in store.reachable(folder))
    if not store.exists(FENCE) and next(left, None) is None:
        raise UsageError(f"{store.uri} is no scenario's state: no night has worked there")


def _demand_no_link(store: Store) -> None:
    """Insist that all kept days can be deleted. Raises UsageError."""
    for verb in KEPT_DAYS:
        behind = {one.key for one in store.reachable(verb)} - {*store.keys(verb)}
        if behind:
            raise UsageError(f"{store.uri}/{min(behind)} lies behind a link: delete it by hand")


def _channels(catalogue: Catalogue) -> dict[int, tuple[str, ...]]:
    """The channels that serve each release."""
    served: dict[int, tuple[str, ...]] = {}
    for name in layout.channels(catalogue.store):
        if found := catalogue.pointer(name):
            number = found.pointer.release
            served[number] = (*served.get(number, ()), name)
    return served


def _look(folder: Path, user: User) -> tuple[str, list[str]]:
    """The id key of a release's hashes, and where the user is among them."""
    if (folder / SNAPSHOT).exists():
        stored = StoredSnapshot(folder)
        return stored.meaning.id_key, [*_in_snapshot(stored, stored.meaning, user)]
    schema_key, found = _in_package(folder, user)
    return schema_key, found


def _in_snapshot(stored: StoredSnapshot, meaning: FeatureSnapshot, user: User) -> Iterator[str]:
    """A user who stands in a table together with something else stands in their own, too."""
    table = stored.tables[(meaning.user,)]
    if table.places(np.array([key_hash(user.hashed)]))[0] >= 0:
        yield f"the table of {meaning.user}"


def _in_package(folder: Path, user: User) -> tuple[str, list[str]]:
    contents = read_package(folder)
    hashed = [field.name for field in contents.schema.categories if field.hashed]
    golden = record.from_json(Golden, read_whole(folder, GOLDEN))
    found = []
    for name in hashed:
        values = contents.vocabulary[name]
        if isinstance(values, Hashes) and _begins(values, user.hashed):
            found.append(f"the vocabulary of {name}")
        if user.hashed in golden.columns.get(name, ()):
            found.append(f"the golden rows' {name}")
    return contents.schema.id_key if hashed else user.id_key, found


def _begins(hashes: Hashes, hashed: str) -> bool:
    prefix = np.uint64(int(hashed, 16) >> (HASH_BITS - hashes.bits))
    return bool(np.any(hashes.prefixes == prefix))

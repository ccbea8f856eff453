"""Users who asked to be forgotten: their keyed hashes in a state folder, an object each.

Whoever cleans events leaves out what these users did. No raw id is kept, so the list can be read by
whoever reads the state; it holds for the id key that made the hashes.
"""

import contextlib
from dataclasses import dataclass

from secateur.contracts import record
from secateur.contracts.errors import CorruptArtifact, PreconditionFailed
from secateur.storage.open import open_store
from secateur.storage.store import Store

ERASURES = "erasures/"


@dataclass(frozen=True)
class Erasure:
    """A user's keyed hash, the fingerprint of its key, who asked, and when (UTC)."""

    user: str
    id_key: str
    actor: str
    at: str


def erase(store: Store, erasure: Erasure) -> Erasure:
    """Keep it in the state; where the user is erased already, that erasure stays. Gives it back."""
    key = f"{ERASURES}{erasure.id_key}/{erasure.user}.json"
    with contextlib.suppress(PreconditionFailed):
        store.put_new(key, record.canonical_json(erasure))
    return _read(store, key)


def erased_users(state: str | None, id_key: str) -> tuple[str, ...]:
    """The keyed hashes, sorted, of all users erased in the state at this URI, by the key of this
    fingerprint; none where there is no state.

    Raises CorruptArtifact for what cannot be read: a night must not take back an erasure.
    """
    if not state:
        return ()
    store = open_store(state)
    keys = [key for key in store.keys(f"{ERASURES}{id_key}/") if key.endswith(".json")]
    return tuple(sorted(_read(store, key).user for key in keys))


def _read(store: Store, key: str) -> Erasure:
    try:
        return record.from_json(Erasure, store.get(key).data)
    except CorruptArtifact as error:
        raise CorruptArtifact(f"{store.uri}/{key} is no erasure: {error}") from error

"""One holder at a time, told by an object in a store that all can see; it ends by itself.

A lease is taken by a conditional write, so that of two who want it one gets it, on a file system as
on S3. Whoever holds it may take it again; whoever died with it keeps others out until its end.
"""

import contextlib
import json
import time
from dataclasses import asdict, dataclass

from secateur.contracts.errors import FenceHeld, ObjectMissing, PreconditionFailed, StoreError
from secateur.storage.open import open_store
from secateur.storage.store import Store


@dataclass(frozen=True)
class Lease:
    """Who holds it, and until when, in seconds since 1970."""

    holder: str
    until: float


def take_for(uri: str, key: str, holder: str, hours: float) -> None:
    """Hold the lease under `key` of the store at `uri` from now on. Raises as `take`."""
    now = time.time()
    take(open_store(uri), key, Lease(holder, now + 3600 * hours), now)


def take(store: Store, key: str, wanted: Lease, now: float) -> None:
    """Hold the lease under `key`. Raises FenceHeld where somebody else does, or was faster, and
    StoreError where what lies there is no lease."""
    data = json.dumps(asdict(wanted)).encode()
    with contextlib.suppress(PreconditionFailed):
        store.put_new(key, data)
        return
    held, tag = _read(store, key)
    if held is None:
        raise StoreError(f"{store.uri}/{key} tells no holder: delete it, if nobody is at work")
    if held.holder != wanted.holder and held.until > now:
        raise FenceHeld(f"{held.holder} holds {store.uri}/{key}")
    try:
        store.swap(key, data, tag)
    except PreconditionFailed as error:
        raise FenceHeld(f"somebody else has just taken {store.uri}/{key}") from error


def give_up(store: Store, key: str, holder: str) -> None:
    """End the lease if it is this holder's; others' and what is no lease are left alone."""
    with contextlib.suppress(ObjectMissing, PreconditionFailed):
        held, tag = _read(store, key)
        if held and held.holder == holder:
            store.swap(key, json.dumps(asdict(Lease(holder, 0.0))).encode(), tag)


def _read(store: Store, key: str) -> tuple[Lease | None, str]:
    """The lease and its tag; None where a person wrote something else there."""
    found = store.get(key)
    try:
        said = json.loads(found.data)
        return Lease(said["holder"], float(said["until"])), found.tag
    except (ValueError, TypeError, KeyError):
        return None, found.tag

"""Does a store keep the promises that a safe release stands on? Ask it before trusting it."""

import contextlib
import secrets
from collections.abc import Callable

from secateur.contracts.errors import PreconditionFailed, SecateurError, StoreRefused
from secateur.releases import layout
from secateur.storage import Store


def probe(store: Store) -> None:
    """Try the conditional writes on a scratch object, and remove it.

    Some servers accept `If-None-Match` and `If-Match` and ignore them: two publishers would then
    overwrite each other's releases. Raises StoreRefused naming the promise that was broken.
    """
    key = f"{layout.PROBES}{secrets.token_hex(8)}"
    try:
        _probe(store, key)
    except BaseException:
        with contextlib.suppress(SecateurError):  # the first error is the one to tell
            store.delete(key)
        raise
    store.delete(key)


def _probe(store: Store, key: str) -> None:
    _must_fail(store, "If-Match on a missing object", lambda: store.swap(key, b"0", '"none"'))
    _written_once(store, key, b"1", lambda: store.put_new(key, b"1"))
    _must_fail(store, "If-None-Match: *", lambda: store.put_new(key, b"2"))
    first = store.get(key)
    _must_hold(store, first.data == b"1", "a refused write leaves the object as it was")
    _written_once(store, key, b"3", lambda: store.swap(key, b"3", first.tag))
    _must_hold(store, store.get(key).data == b"3", "a read sees the last write")
    _must_fail(store, "If-Match", lambda: store.swap(key, b"4", first.tag))
    _must_hold(store, store.get(key).data == b"3", "a refused swap leaves the object as it was")


def _written_once(store: Store, key: str, data: bytes, write: Callable[[], None]) -> None:
    """Write what nobody else writes: a write that was sent again has lost to itself."""
    try:
        write()
    except PreconditionFailed:
        if store.get(key).data != data:
            raise


def _must_fail(store: Store, condition: str, write: Callable[[], None]) -> None:
    with contextlib.suppress(PreconditionFailed):
        write()
        raise StoreRefused(
            f"{store.uri} ignores {condition}: two publishers could overwrite each other"
        )


def _must_hold(store: Store, holds: bool, promise: str) -> None:
    if not holds:
        raise StoreRefused(f"{store.uri} breaks a promise: {promise}")

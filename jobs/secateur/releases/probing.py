"""Does a store keep the promises that a safe release stands on? Ask it before trusting it."""

import contextlib
import secrets
from collections.abc import Callable

from secateur.contracts.errors import PreconditionFailed, SecateurError, StoreRefused
from secateur.releases import layout
from secateur.storage import Store, Tagged

READS = 10


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
    asked = _Probed(store, key)
    created, other, swapped, late = asked.values
    _must_fail(store, "If-Match on a missing object", lambda: store.swap(key, other, '"none"'))
    asked.write(created, lambda: store.put_new(key, created))
    _must_fail(store, "If-None-Match: *", lambda: store.put_new(key, other))
    first = asked.read()
    _must_hold(store, first.data == created, "a refused write leaves the object as it was")
    asked.write(swapped, lambda: store.swap(key, swapped, first.tag))
    _must_hold(store, asked.read().data == swapped, "a read sees the last write")
    _must_fail(store, "If-Match", lambda: store.swap(key, late, first.tag))
    held = asked.read().data == swapped
    _must_hold(store, held, "a refused swap leaves the object as it was")


class _Probed:
    """A scratch object, and the values that are written or refused there."""

    def __init__(self, store: Store, key: str) -> None:
        self._store, self._key = store, key
        self.values = tuple(secrets.token_hex(8).encode() for _ in range(4))

    def read(self) -> Tagged:
        """What lies there. What nobody wrote, a wire has spoiled: it is read again."""
        for _ in range(READS):
            found = self._store.get(self._key)
            if found.data in self.values:
                break
        return found

    def write(self, data: bytes, write: Callable[[], None]) -> None:
        """Write what nobody else writes: a write that was sent again has lost to itself."""
        try:
            write()
        except PreconditionFailed:
            if self.read().data != data:
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
